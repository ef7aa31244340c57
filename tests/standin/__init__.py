"""An accelerator for machines that have none: it finds tensors on the wrong device, and counts launches."""
