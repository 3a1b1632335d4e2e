"""The lesions of one scan as a person works on them: those accepted, and one that waits for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from lesionlocator.errors import InputError
from lesionlocator.prompts.kinds import LARGEST_ID
from lesionlocator.results.lesion import LesionMask, LesionResult, LesionStatus

GIVEN = "given as a mask, not segmented here"


class LesionList:
    """Lesions by id.

    Parameters
    ----------
    given
        Masks that are there from the start, accepted.
    """

    def __init__(self, given: Mapping[int, LesionMask] | None = None) -> None:
        self.accepted = {
            i: LesionResult(i, LesionStatus.SEGMENTED, found=mask, warnings=(GIVEN,))
            for i, mask in sorted((given or {}).items())
        }
        self.candidate: LesionResult | None = None
        self.version = 0
        """Counts changes of what is accepted."""

    @property
    def ids(self) -> list[int]:
        """Ids of all lesions, that of the candidate included."""
        candidate = [] if self.candidate is None else [self.candidate.lesion_id]
        return sorted({*self.accepted, *candidate})

    @property
    def free_id(self) -> int:
        """The id of the next candidate: that of the present one, or the first after all others.

        Raises
        ------
        InputError
            Where all ids are in use.
        """
        if self.candidate is not None:
            return self.candidate.lesion_id
        largest = max(self.accepted, default=0)
        if largest < LARGEST_ID:
            return largest + 1
        free = next((i for i in range(1, LARGEST_ID) if i not in self.accepted), None)
        if free is None:
            raise InputError(f"all lesion ids from 1 to {LARGEST_ID} are in use")
        return free

    @property
    def masks(self) -> dict[int, LesionMask]:
        """Masks of all lesions, that of the candidate included."""
        every = dict(self.accepted)
        if self.candidate is not None:
            every[self.candidate.lesion_id] = self.candidate
        return {i: lesion.found for i, lesion in sorted(every.items()) if lesion.found is not None}

    def offer(self, lesion: LesionResult) -> None:
        """Let a lesion that was found wait for acceptance, in place of the one that does.

        It gets the next free id where its own is in use.
        """
        is_taken = lesion.lesion_id in self.accepted
        self.candidate = _renumbered(lesion, self.free_id) if is_taken else lesion

    def accept(self) -> int:
        """Accept the candidate and return its id.

        Raises
        ------
        InputError
            Where there is none.
        """
        if self.candidate is None:
            raise InputError("no lesion waits to be accepted: click a point or draw a box first")
        lesion, self.candidate = self.candidate, None
        self.accepted = dict(sorted({**self.accepted, lesion.lesion_id: lesion}.items()))
        self.version += 1
        return lesion.lesion_id

    def delete(self, lesion_id: int) -> None:
        """Delete a lesion, accepted or not.

        Raises
        ------
        InputError
            Where there is none of this id.
        """
        self._check(lesion_id)
        if self._is_candidate(lesion_id):
            self.candidate = None
        else:
            del self.accepted[lesion_id]
            self.version += 1

    def renumber(self, lesion_id: int, new_id: int) -> None:
        """Give a lesion another id.

        Raises
        ------
        InputError
            Where there is no such lesion, or the new id is in use or not legal.
        """
        self._check(lesion_id)
        if not 1 <= new_id <= LARGEST_ID:
            raise InputError(f"lesion id {new_id} is not legal: ids go from 1 to {LARGEST_ID}")
        if new_id == lesion_id:
            return
        if new_id in self.ids:
            raise InputError(f"lesion {new_id} is there already; legal: an id that is not in use")
        if self.candidate is not None and self._is_candidate(lesion_id):
            self.candidate = _renumbered(self.candidate, new_id)
            return
        renumbered = _renumbered(self.accepted.pop(lesion_id), new_id)
        self.accepted = dict(sorted({**self.accepted, new_id: renumbered}.items()))
        self.version += 1

    def _is_candidate(self, lesion_id: int) -> bool:
        return self.candidate is not None and self.candidate.lesion_id == lesion_id

    def _check(self, lesion_id: int) -> None:
        if lesion_id not in self.ids:
            raise InputError(f"there is no lesion {lesion_id}; there are: {', '.join(map(str, self.ids))}")


def _renumbered(lesion: LesionResult, new_id: int) -> LesionResult:
    prompt = None if lesion.prompt is None else replace(lesion.prompt, lesion_id=new_id)
    return replace(lesion, lesion_id=new_id, prompt=prompt)
