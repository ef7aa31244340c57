"""DeepSpeed and the processes of a job."""
