"""Models as transformers saves them: a folder, or a repository of the hub, to verified places of files."""
