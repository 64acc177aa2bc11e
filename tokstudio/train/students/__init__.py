"""The model that is trained, and the teacher it started from. One file adds one kind: `mode` of a transfer names it.

Every module in this folder is found by itself.
"""

from tokstudio.train.students.base import STUDENTS, Student, build_student, remarks, set_embeddings, student

_set_embeddings = set_embeddings

__all__ = ["STUDENTS", "Student", "build_student", "remarks", "set_embeddings", "student"]
