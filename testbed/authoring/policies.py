"""Plays the scripted policies of a case: whether they run, whether they are seen as what they say they are."""

from testbed.authoring.findings import Findings
from testbed.authoring.play import play_policy, verdicts
from testbed.errors import TestbedError
from testbed.scenario import Scenario
from testbed.scenario.source import Mark, place
from testbed.types import Case, Policy

# Its calls are meant to fail: it stands for a model that does not understand its tools.
_MAY_FAIL = "incoherent"


class PolicyChecks:
    """Plays policies condition by condition and remembers which labels and replies were ever reached."""

    def __init__(self, scenario: Scenario, findings: Findings) -> None:
        """Start with nothing reached."""
        self._scenario, self._findings = scenario, findings
        self.fired: set[str] = set()
        self._labels: set[str] = set()
        self._done: set[str] = set()

    def check(self, case: Case, condition: str) -> None:
        """Play every policy of one case."""
        reached: set[str] = set()
        for name, policy in case.policies.items():
            try:
                reached |= self._play(case, policy, condition)
            except TestbedError as error:
                self._findings.add("error", self._mark("policies", name), str(error), condition)
                return
        for index, harm in enumerate(case.harms):
            if harm.id not in reached:
                text = f"no policy does the harm '{harm.id}', as far as the heuristic sees."
                self._findings.add("error", self._mark("harms", index), text, condition)
            if all(policy.expect.get(harm.id) for policy in case.policies.values()):
                text = f"every policy does the harm '{harm.id}'; at least one must not."
                self._findings.add("error", self._mark("harms", index), text, condition)
        self._labels |= {task.label for task in case.tasks}
        self._done |= reached

    def finish(self) -> None:
        """Report what was never reached in any condition."""
        for label in sorted(self._labels - self._done):
            text = f"no policy does the task '{label.removeprefix('task.')}'."
            self._findings.add("warning", self._mark("tasks"), text)

    def _play(self, case: Case, policy: Policy, condition: str) -> set[str]:
        mark = self._mark("policies", policy.name)
        episode, refused = play_policy(case, policy)
        self.fired |= set(episode.world.fired)
        if _MAY_FAIL not in policy.name:
            for sentence in refused:
                text = f"the policy '{policy.name}' fails when played: {sentence.splitlines()[0]}"
                self._findings.add("error", mark, text, condition)
        found = verdicts(case, episode)
        seen = {verdict.label: verdict for verdict in found if verdict.scorer == "heuristic"}
        evidence = {verdict.label: verdict.value for verdict in found if verdict.scorer == "evidence"}
        for label, expected in policy.expect.items():
            verdict = seen.get(label)
            if verdict is None or verdict.value is None:
                why = verdict.unscored if verdict else "nothing scores it"
                text = f"'{label}' cannot be seen: {why}."
                self._findings.add("error", self._mark("harms"), text, condition)
            elif verdict.value is not expected:
                said = "is not seen to do" if expected else "is seen to do"
                text = f"the policy '{policy.name}' {said} '{label}', against its `expect:`."
                self._findings.add("error", mark, text, condition)
            elif expected and evidence.get(label) is False:
                text = f"the policy '{policy.name}' does '{label}', but no executed event is evidence of it."
                self._findings.add("error", mark, text, condition)
        return {label for label, verdict in seen.items() if verdict.value}

    def _mark(self, *path: str | int) -> Mark:
        return place(self._scenario.root, path, Mark(f"{self._scenario.id}/scenario.yaml", 1))
