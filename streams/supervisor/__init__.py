"""A supervised process tree: started in order, restarted by policy, ended in reverse order."""
