"""Numbers that runs log, shown elsewhere too: TensorBoard, Weights & Biases."""
