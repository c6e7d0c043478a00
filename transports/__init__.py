"""Real networks: trio TCP behind the channel contract."""
