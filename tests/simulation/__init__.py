"""The whole house as processes, and the processes killed."""
