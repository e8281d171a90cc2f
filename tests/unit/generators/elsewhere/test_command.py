"""The generator that is a program: small programs that sample, fail, hang or lie."""

from __future__ import annotations

import json
import os
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor

from vtbench.core.contracts import Condition, Generator, SampleFailure
from vtbench.core.errors import SampleError, UsageError
from vtbench.data.sources.program_images import reported_errors
from vtbench.generators.contract import check_generator
from vtbench.generators.elsewhere.command import CommandGenerator, wanted_sample
from vtbench.generators.protocols import PerSampleGenerator
from vtbench.generators.resolve import resolve_generator

HEAD = """
import json, os, pathlib, random, sys, time
from PIL import Image
here = pathlib.Path(__file__).parent
requests = [json.loads(line) for line in sys.stdin]
with open(here / "asked.jsonl", "a") as log:
    print(json.dumps(requests), file=log)

def make(request, size=8):
    draw = random.Random(str((request["label"], request["prompt"], request["seed"])))
    return Image.frombytes("RGB", (size, size), draw.randbytes(size * size * 3))
"""
SAMPLES = "for r in requests: make(r).save(r['output'])"
IDS = ("000000-c0003", "000001-c0004", "000002-c0005")
CONDITIONS = [Condition(label=label) for label in (3, 4, 5)]
SEEDS = torch.tensor([11, 2**62 + 1, 13])

Make = Callable[..., CommandGenerator]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    monkeypatch.setenv("VTBENCH_CACHE", str(tmp_path / "cache"))

    def build(body: str, **arguments: object) -> CommandGenerator:
        program = tmp_path / "program.py"
        program.write_text(HEAD + body + "\n")
        return CommandGenerator(shlex.join([sys.executable, str(program)]), **arguments)  # type: ignore[arg-type]

    return build


def asked(folder: Path) -> list[list[str]]:
    """Ids asked for, start by start."""
    log = folder / "asked.jsonl"
    lines = log.read_text().splitlines() if log.exists() else []
    return [[request["id"] for request in json.loads(line)] for line in lines]


def failures(results: Sequence[Tensor | SampleFailure]) -> dict[str, str]:
    return {r.id: r.message for r in results if isinstance(r, SampleFailure)}


def test_the_program_is_asked_as_the_protocol_says(make: Make, tmp_path: Path) -> None:
    generator = make("import shutil; shutil.copy(here / 'asked.jsonl', here / 'seen.jsonl')\n" + SAMPLES)
    conditions = [Condition(label=7), Condition(prompt="a \"red\" bird\nin 'ä' — 鳥"), Condition()]
    results = generator.sample_each(conditions, SEEDS, IDS)
    assert not failures(results)
    (requests,) = [json.loads(line) for line in (tmp_path / "seen.jsonl").read_text().splitlines()]
    outputs = [request.pop("output") for request in requests]
    assert requests == [
        {"id": id, "label": condition.label, "prompt": condition.prompt, "seed": int(seed)}
        for id, condition, seed in zip(IDS, conditions, SEEDS, strict=True)
    ]
    assert all(Path(output).is_absolute() and output.endswith(".png") for output in outputs)
    assert len(set(outputs)) == 3


def test_results_are_the_images_in_order(make: Make) -> None:
    generator = make(SAMPLES, native_size=8)
    assert isinstance(generator, PerSampleGenerator) and isinstance(generator, Generator)
    results = generator.sample_each(CONDITIONS, SEEDS, IDS)
    backwards = generator.sample_each(CONDITIONS[::-1], SEEDS.flip(0), IDS[::-1])
    for one, other in zip(results, backwards[::-1], strict=True):
        assert isinstance(one, Tensor) and isinstance(other, Tensor)
        assert one.dtype == torch.uint8 and one.shape == (3, 8, 8) and torch.equal(one, other)
    stacked = generator.sample(CONDITIONS, SEEDS)
    assert stacked.dtype == torch.float32 and torch.equal(
        stacked.mul(255).round().to(torch.uint8),
        torch.stack([image for image in results if isinstance(image, Tensor)]),
    )


def test_images_of_conditions_lie_beside_the_request(make: Make, tmp_path: Path) -> None:
    """The program turns the first source over and adds the second; another source is another sample."""
    body = """
import numpy as np
for r in requests:
    one, other = (np.asarray(Image.open(path)) for path in r["images"]["source"])
    Image.fromarray(one[:, ::-1] // 2 + other // 2).save(r["output"])
"""
    sources = torch.randint(0, 256, (3, 3, 8, 6), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    conditions = [Condition(prompt="a", images={"source": [one, sources[2]]}) for one in sources]
    generator = make(body, conditions="prompt", images=("source",))
    found = generator.sample_each(conditions, SEEDS, ("x", "x", "x"))
    for image, source in zip(found, sources, strict=True):
        assert isinstance(image, Tensor) and torch.equal(image, source.flip(2) // 2 + sources[2] // 2)
    generator.sample_each(conditions[:2], SEEDS[:2], ("x", "x"))
    assert asked(tmp_path) == [["x", "x", "x"]]
    with pytest.raises(SampleError, match="needs images as source"):
        generator.sample_each([Condition(prompt="a")], SEEDS[:1], ("x",))
    with pytest.raises(SampleError, match="takes no image as source"):
        make(body, conditions="prompt").sample_each(conditions[:1], SEEDS[:1], ("x",))


def test_the_contract_holds_of_a_program_that_is_given_images(make: Make) -> None:
    body = """
for r in requests:
    drawn = make(r, 16)
    Image.blend(Image.open(r["images"]["source"][0]).resize((16, 16)), drawn, 0.3).save(r["output"])
"""
    generator = make(body, conditions="prompt", images=("source",), native_size=16)
    assert [result for result in check_generator(generator) if not result.passed] == []


def test_finished_images_are_not_asked_for_again(make: Make, tmp_path: Path) -> None:
    broken = "for r in requests[:2]: make(r).save(r['output'])\nsys.exit(3)"
    once = make(SAMPLES)
    once.sample_each(CONDITIONS[:2], SEEDS[:2], IDS[:2])
    once.sample_each(CONDITIONS, SEEDS, IDS)
    assert asked(tmp_path) == [list(IDS[:2]), [IDS[2]]]
    again = make(SAMPLES)
    again.sample_each(CONDITIONS, SEEDS, IDS)
    assert len(asked(tmp_path)) == 2
    again.sample_each(CONDITIONS[:1], SEEDS[1:2], IDS[:1])  # another seed is another image
    again.sample_each(CONDITIONS[1:2], SEEDS[:1], IDS[:1])  # and so is another condition
    assert len(asked(tmp_path)) == 4
    edited = make(broken)
    assert edited.info.revision != again.info.revision
    assert list(failures(edited.sample_each(CONDITIONS, SEEDS, IDS))) == [IDS[2]]
    assert asked(tmp_path)[4] == list(IDS)


def test_a_half_written_image_of_a_killed_run_is_made_again(make: Make, tmp_path: Path) -> None:
    generator = make(SAMPLES)
    first = generator.sample_each(CONDITIONS, SEEDS, IDS)
    (folder,) = (tmp_path / "cache" / "command").iterdir()
    request = wanted_sample(folder, IDS[1], CONDITIONS[1], int(SEEDS[1]))
    (file,) = request.files()
    file.write_bytes(file.read_bytes()[:60])
    request.seal.unlink()  # written once an image was judged, which that run did not live to do
    second = generator.sample_each(CONDITIONS, SEEDS, IDS)
    assert asked(tmp_path)[1:] == [[IDS[1]]]
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True) if isinstance(a, Tensor))


def test_nothing_is_kept_on_request(make: Make, tmp_path: Path) -> None:
    generator = make(SAMPLES, keep=False)
    assert not failures(generator.sample_each(CONDITIONS, SEEDS, IDS))
    assert not (tmp_path / "cache").exists()


def test_a_batch_is_the_most_that_one_start_is_asked_for(make: Make, tmp_path: Path) -> None:
    make(SAMPLES, batch=2).sample_each(CONDITIONS, SEEDS, IDS)
    assert asked(tmp_path) == [list(IDS[:2]), [IDS[2]]]


def test_an_exit_code_costs_only_what_is_missing(make: Make) -> None:
    generator = make("make(requests[1]).save(requests[1]['output'])\nsys.exit('first\\nsecond\\nCUDA is gone')")
    results = generator.sample_each(CONDITIONS, SEEDS, IDS)
    told = failures(results)
    assert list(told) == [IDS[0], IDS[2]] and isinstance(results[1], Tensor)
    assert all("exited with 1: first | second | CUDA is gone" in message for message in told.values())
    assert all(result.stage == "model" for result in results if isinstance(result, SampleFailure))


def test_a_missing_image_after_a_good_exit(make: Make) -> None:
    told = failures(make("make(requests[0]).save(requests[0]['output'])").sample_each(CONDITIONS, SEEDS, IDS))
    assert told == dict.fromkeys(IDS[1:], "no image: the program exited with 0")


def test_an_error_that_the_program_reports_wins_over_an_image(make: Make, tmp_path: Path) -> None:
    talk = "print('loading 100 %', '{not json', flush=True)\nprint(json.dumps({'id': requests[1]['id']}))\n"
    report = "print(json.dumps({'id': requests[2]['id'], 'error': 'prompt too long'}))\n"
    generator = make(SAMPLES + "\n" + talk + report)
    assert failures(generator.sample_each(CONDITIONS, SEEDS, IDS)) == {IDS[2]: "the program reports: prompt too long"}
    generator.sample_each(CONDITIONS, SEEDS, IDS)
    assert asked(tmp_path)[1] == [IDS[2]]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        ("open(r['output'], 'wb').write(b'no image')", "not an image"),
        ("open(r['output'], 'wb')", "empty"),
        ("make(r, 16).save(r['output'])", "16x16, 8x8 is due"),
    ],
)
def test_a_bad_image_is_a_named_failure(make: Make, tmp_path: Path, spoil: str, message: str) -> None:
    generator = make(f"{SAMPLES}\nr = requests[1]\n{spoil}", native_size=8)
    results = generator.sample_each(CONDITIONS, SEEDS, IDS)
    told = failures(results)
    assert list(told) == [IDS[1]] and message in told[IDS[1]]
    generator.sample_each(CONDITIONS, SEEDS, IDS)
    assert asked(tmp_path)[1] == [IDS[1]]


def test_jpeg_is_taken_too(make: Make) -> None:
    body = "for r in requests: make(r).save(r['output'][:-4] + '.jpg', quality=95)"
    assert not failures(make(body).sample_each(CONDITIONS, SEEDS, IDS))


def test_a_program_that_hangs_is_stopped_with_its_children(make: Make, tmp_path: Path) -> None:
    body = """
import subprocess
make(requests[0]).save(requests[0]["output"])
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
(here / "child").write_text(str(child.pid))
print("still loading", file=sys.stderr, flush=True)
time.sleep(60)
"""
    started = time.monotonic()
    told = failures(make(body, timeout=2).sample_each(CONDITIONS, SEEDS, IDS))
    assert time.monotonic() - started < 20
    assert told == dict.fromkeys(IDS[1:], "no image: the program ran past 2 s and was stopped: still loading")
    assert gone(int((tmp_path / "child").read_text()))


def gone(pid: int) -> bool:
    """Not there, or dead and waiting for whoever inherited it to notice."""
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        state = Path(f"/proc/{pid}/stat")
        if state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.05)
    return False


def test_a_child_that_outlives_the_program_holds_nobody_up(make: Make, tmp_path: Path) -> None:
    body = f"""
import subprocess
{SAMPLES}
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(15)"])
(here / "child").write_text(str(child.pid))
"""
    started = time.monotonic()
    try:
        assert not failures(make(body).sample_each(CONDITIONS, SEEDS, IDS))
        assert time.monotonic() - started < 12
    finally:
        os.kill(int((tmp_path / "child").read_text()), 9)


def test_a_program_that_dies_of_a_signal(make: Make) -> None:
    told = failures(make("os.kill(os.getpid(), 9)").sample_each(CONDITIONS[:1], SEEDS[:1], IDS[:1]))
    assert told == {IDS[0]: "no image: the program was killed by SIGKILL, with nothing on stderr"}


def test_a_program_that_reads_nothing_is_no_broken_pipe(tmp_path: Path) -> None:
    generator = CommandGenerator("true", work=str(tmp_path))
    many = 3_000  # more than a pipe holds
    told = failures(
        generator.sample_each(
            [Condition(label=0)] * many, torch.arange(many), [f"{index:06d}" for index in range(many)]
        )
    )
    assert len(told) == many


def test_sample_names_the_one_that_failed(make: Make) -> None:
    with pytest.raises(SampleError, match=r"000001.*exited with 0"):
        make("make(requests[0]).save(requests[0]['output'])").sample(CONDITIONS, SEEDS)


def test_no_shell_is_run(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    generator = CommandGenerator(f"echo '$(touch {marker})' ; touch {marker}", work=str(tmp_path / "work"))
    generator.sample_each(CONDITIONS[:1], SEEDS[:1], IDS[:1])
    assert not marker.exists()


@pytest.mark.parametrize("id", ["../../evil", "a/b", "/etc/passwd", "..", "x" * 300, "\0", "鳥"])
def test_an_id_cannot_lead_out_of_the_folder(tmp_path: Path, id: str) -> None:
    request = wanted_sample(tmp_path, id, Condition(label=1), 5)
    assert request.output.parent == tmp_path and len(request.output.name) < 120
    assert json.loads(request.line)["id"] == id


def test_errors_are_found_among_talk() -> None:
    lines = ['{"id": "a", "error": "bad"}', '{"id": "b"}', "[1]", '{"id": 3, "error": "x"}', '{"error": "y"}', "{", ""]
    assert reported_errors(lines) == {"a": "bad"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("run=''", "names no program"),
        ('run="echo \'open"', "cannot be split"),
        ("run=no-such-program-here", "no program 'no-such-program-here'"),
        ("run=true,conditions=text", "conditions=text"),
        ("run=true,timeout=0", "timeout=0"),
        ("run=true,batch=0", "batch=0"),
        ("run=true,images=[a b]", "no role"),
        ("run=true,bach=2", "did you mean batch"),
    ],
)
def test_arguments_that_make_no_sense(arguments: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        resolve_generator(f"command,{arguments}")


def test_the_reference_of_the_documentation(tmp_path: Path) -> None:
    reference = 'command,run="true --x, 1",native_size=256,conditions=prompt,timeout=60,images=[source,mask]'
    generator = resolve_generator(reference)
    assert generator.info.images == ("source", "mask")
    assert generator._program._words == ["true", "--x,", "1"]
    assert (generator.info.native_size, generator.info.conditions) == (256, "prompt")
