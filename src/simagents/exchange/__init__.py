"""Models trained elsewhere, brought here and back. No file that is read may run code."""
