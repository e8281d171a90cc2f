"""Bytes that nobody vouches for: read within bounds, sealed or checked, and refused in one sentence.

In go files and text from anywhere; out come plain values, or an error that names the file and one reason.
"""
