"""What one GPU shows: whether numbers are the same there twice, and how fast bench is beside plain scripts.

``make gpu`` runs it with an interpreter that is there, and installs nothing. Without a GPU, or with ``DRY=1``, the same
parts run in small sizes on the processor; what they measure is printed and kept out of the documents.
"""
