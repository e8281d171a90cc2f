"""Images sampled outside this process: by a program, in a folder, in an npz."""
