"""The machines that members live on, and how members are started and stopped there."""
