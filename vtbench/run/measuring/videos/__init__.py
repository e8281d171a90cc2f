"""What is done with clips and not with images: strips of frames to look at.

In go clips, ``uint8 [T,3,H,W]``; out come pictures.
"""
