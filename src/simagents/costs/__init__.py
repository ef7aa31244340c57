"""What tables would cost, before anything is submitted."""
