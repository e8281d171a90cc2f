"""Results of benchmarks' own judges, brought as the files that their scripts write.

In go such files; out comes an ordinary job's folder, whose rows are prompts: rescored,
verified, compared and shown as any.
"""
