"""The training of a residual network: by epochs, told, ended early, and gone on with where it was killed."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from xafsflow.files import sha256_of, write_atomically
from xafsflow.kernels.array_types import Mask, Singles
from xafsflow.learning.network.torch_network import device_of
from xafsflow.progress import tell

# A network of fewer steps an epoch has learnt nothing when it ends.
STEPS = 8
# Samples whose answers are in memory at once.
BLOCK = 512
Change: TypeAlias = Callable[[Singles, NDArray[Any], np.random.Generator], tuple[Singles, NDArray[Any]]]
# Letters of the SHA-256 before what is saved.
DIGEST = 64


@dataclass(frozen=True)
class Training:
    """How a network is trained.

    Parameters
    ----------
    epochs, patience
        Times that all samples are seen at most, and without a smaller loss of the samples held out.
    batch
        Samples a step, fewer where there are less than `STEPS` times as many.
    rate, decay
        Largest learning rate, up to which and down from which the steps go (one cycle), and decay of the weights.
    dropout
        Share of the channels' values that is dropped between the convolutions of a block and before the head.
    held
        Share of the groups that is held out to choose the epoch.
    """

    epochs: int = 20
    patience: int = 10
    batch: int = 64
    rate: float = 3e-3
    decay: float = 0.01
    dropout: float = 0.2
    held: float = 0.1


class Course:
    """A training under way: the network, its optimizer, and what is remembered from epoch to epoch.

    Parameters
    ----------
    torch, module
        The library, and the network that is trained.
    how
        Epochs, batch, rate and patience.
    table
        `(sample, place)` float32.
    truth
        `(sample,)` classes, or `(sample, property)` float32.
    held
        `(sample,)`: those that are not learnt from, but choose the epoch; with none, the last epoch is taken.
    change
        What happens to the samples of a step `(sample, place)` and to their truth, drawn anew in every epoch; None for
        nothing. Of classes it may make shares `(sample, class)` float32.
    """

    def __init__(
        self,
        torch: Any,
        module: Any,
        how: Training,
        table: Singles,
        truth: NDArray[Any],
        held: Mask,
        change: Change | None = None,
    ) -> None:
        functional = torch.nn.functional
        self.torch, self.module, self.how, self.table, self.change = torch, module, how, table, change
        self.device = device_of(torch)
        module.to(self.device)
        self.loss_of = functional.mse_loss if truth.dtype.kind == "f" else functional.cross_entropy
        self.truth = truth
        self.known, self.check = np.flatnonzero(~held), np.flatnonzero(held)
        self.size = min(how.batch, max(len(self.known) // STEPS, 16), len(self.known))
        self.steps = len(self.known) // self.size
        self.descent = torch.optim.AdamW(module.parameters(), how.rate, weight_decay=how.decay, fused=True)
        steps = self.steps * how.epochs
        self.cycle = torch.optim.lr_scheduler.OneCycleLR(self.descent, how.rate, total_steps=steps)
        self.epoch, self.since, self.best = 0, 0, np.inf
        self.kept: dict[str, Any] | None = None

    @property
    def ended(self) -> bool:
        """Whether there is nothing more to learn."""
        return self.epoch >= self.how.epochs or self.since >= self.how.patience

    def go_on(self) -> None:
        """One epoch: all samples once, in an order that is drawn, and the loss of those held out."""
        self.module.train()
        order = self.torch.randperm(len(self.known)).numpy()[: self.steps * self.size]
        rng = np.random.default_rng(self.epoch)
        for rows in self.known[order].reshape(self.steps, self.size):
            inputs, wanted = self.table[rows], self.truth[rows]
            if self.change is not None:
                inputs, wanted = self.change(inputs, wanted, rng)
            self.descent.zero_grad()
            self._loss(inputs, wanted).backward()
            self.descent.step()
            self.cycle.step()
        self.epoch += 1
        self.module.eval()
        if not len(self.check):
            return
        with self.torch.no_grad():
            parts = [self.check[k : k + BLOCK] for k in range(0, len(self.check), BLOCK)]
            losses = [float(self._loss(self.table[rows], self.truth[rows])) * len(rows) for rows in parts]
            loss = sum(losses) / len(self.check)
        self.since += 1
        if loss < self.best:
            self.kept = {key: value.clone() for key, value in self.module.state_dict().items()}
            self.best, self.since = loss, 0

    def _loss(self, inputs: Singles, truth: NDArray[Any]) -> Any:
        told, wanted = (self.torch.from_numpy(one).to(self.device) for one in (inputs, truth))
        return self.loss_of(self.module(told), wanted)

    def end(self) -> None:
        """The network gets the weights with the smallest loss of the samples held out."""
        if self.kept is not None:
            self.module.load_state_dict(self.kept)
        self.module.eval()

    def save(self, path: Path) -> None:
        """All that is needed to go on after the epoch, in a file."""
        parts = {"module": self.module.state_dict(), "descent": self.descent.state_dict()}
        numbers = {"epoch": self.epoch, "since": self.since, "best": float(self.best)}
        drawn = {"kept": self.kept, "cycle": self.cycle.state_dict(), "random": self.torch.get_rng_state()}
        if self.device.type == "cuda":
            drawn["drawn there"] = self.torch.cuda.get_rng_state()
        content = io.BytesIO()
        self.torch.save({**parts, **numbers, **drawn}, content)
        write_atomically(path, self._digest(content.getvalue()) + content.getvalue())

    def take_up(self, path: Path) -> None:
        """Go on behind the epoch that was saved; a file that is missing, damaged, or of another torch changes nothing."""
        try:
            whole = path.read_bytes()
        except OSError:
            return
        digest, content = whole[:DIGEST], whole[DIGEST:]
        # Torch reads numbers that were changed without a word.
        if digest != self._digest(content):
            return
        # Weights only: nothing that such a file holds is run.
        found = self.torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        self.module.load_state_dict(found["module"])
        self.descent.load_state_dict(found["descent"])
        self.cycle.load_state_dict(found["cycle"])
        self.torch.set_rng_state(found["random"])
        if self.device.type == "cuda" and "drawn there" in found:
            self.torch.cuda.set_rng_state(found["drawn there"])
        self.epoch, self.since = found["epoch"], found["since"]
        self.best, self.kept = found["best"], found["kept"]

    def _digest(self, content: bytes) -> bytes:
        """Of what is saved and of the version of torch: another one may not know its parts."""
        return sha256_of(f"{self.torch.__version__}\n".encode() + content).encode()


def train(course: Course, name: str, saved: Path | None = None) -> None:
    """Train to the end, telling each epoch.

    Parameters
    ----------
    name
        What is trained, for people.
    saved
        A file that is written behind every epoch, and from which a training that was killed goes on, to the same bits; it
        is removed at the end.
    """
    if saved is not None:
        course.take_up(saved)
    tell(name)
    while not course.ended:
        course.go_on()
        tell(name, course.epoch / course.how.epochs)
        if saved is not None:
            with suppress(OSError):  # a folder that cannot be written to: the training goes on
                course.save(saved)
    course.end()
    tell(name, 1.0)
    if saved is not None:
        with suppress(OSError):
            saved.unlink()
