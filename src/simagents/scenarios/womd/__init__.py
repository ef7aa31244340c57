"""WOMD's own file format, without TensorFlow. The only package that knows protos."""
