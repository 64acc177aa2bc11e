"""All weights are trained; the teacher is the source model, frozen, beside its copy."""

import contextlib
import copy
from typing import Any

from tokstudio.train.config import TransferConfig
from tokstudio.train.student_inputs import finish
from tokstudio.train.students.base import Operate, Student, student


class FullStudent(Student):
    @contextlib.contextmanager
    def as_source(self):
        yield self.teacher

    def merged(self):
        return self.model


@student("full", title="All weights")
def full(model: Any, config: TransferConfig, operate: Operate) -> FullStudent:
    trained = copy.deepcopy(model).requires_grad_(True)
    surgery = operate(trained)
    finish(trained, config)
    return FullStudent(trained.train(), surgery, model)
