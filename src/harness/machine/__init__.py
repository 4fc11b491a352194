"""The ground floor that touches the world: disk, processes, git, servers."""
