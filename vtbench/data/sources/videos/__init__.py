"""Videos from folders of frames, video files and arrays, one form a file.

In goes where they lie and which frames are wanted; out comes a data set whose samples are clips, ``uint8 [T,3,H,W]``.
"""
