"""What is masked, and what must not be."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtbench.core import secrets
from vtbench.core.secrets import MASK, masked, masked_value, secrets_in

HOMES, USERS, DRIVE = ("/".join(("", "home")), "/".join(("", "Users")), "C" + ":")


@pytest.mark.parametrize(
    "text",
    [
        "https://alice:{}@host/x.tar",
        "s3://{}@bucket/data",
        "hf,path=a/b,token={}",
        "vtbench run --token {} --task x",
        "vtbench run --token={}",
        "my.py:M,api_key={},size=3",
        "my.py:M,key={}",
        "my.py:M,password='{}'",
        "curl -H 'Authorization: Bearer {}'",
        "https://host/file?X-Amz-Signature={}&a=1",
        "https://acc.blob/x?sv=2022&sig={}",
        '{{"access_token": "{}"}}',
        "aws_secret_access_key={}",
        "X-Api-Key: {}",
        "failed: HTTP 403 for https://u:{}@host/a?b=c (token={})",
        "python gen.py --api-key {} --steps 4",
    ],
)
@pytest.mark.parametrize("secret", ["s3cr3tPassw0rd", "0123456789abcdef0123456789abcdef"])
def test_a_credential_is_masked_wherever_it_stands(text: str, secret: str) -> None:
    given = text.replace("{{", "{").replace("}}", "}").replace("{}", secret)
    assert secret not in masked(given) and MASK in masked(given)
    assert masked(masked(given)) == masked(given)
    assert list(secrets_in({"model": {"reference": given}})) == ["model.reference"]
    assert list(secrets_in(masked_value({"model": {"reference": given}}))) == []


@pytest.mark.parametrize(
    "token", ["hf_" + "a1B2" * 8, "ghp_" + "x" * 36, "AKIAABCDEFGHIJKLMNOP", "sk-" + "a" * 40, "glpat-" + "b" * 20]
)
def test_a_token_gives_itself_away_by_its_form(token: str) -> None:
    assert masked(f"path=a/b,revision={token}") == f"path=a/b,revision={MASK}"


@pytest.mark.parametrize(
    "text",
    [
        "jpeg,quality=10",
        "titok,tokens=32",
        "parquet,path=x,image_key=image,label_key=label",
        "attention,key_dim=64,token_size=12",
        "32 tokens: 512 bits",
        "./mine.py:MyTok,mask_token=5,key=7",
        "https://host/path@v1/file.tar",
        "hub,path=owner/name@main",
        "user@host is no URL",
        "codebook keys: encoder.weight",
        "missing key: encoder.weight",
        "image_key: jpg, mask_token: M, eos_token=</s>",
        "./mine.py:MyTok,pad_token=<pad>,image_key=jpg",
        "bits per token: 12.5",
        "./mine.py:MyTok,bits_per_token=12.5,token=0.25",
        "python -m pkg --tokens 4",
        "llamagen-ds16,checkpoint=vq_ds16.pt",
        "kid_efflite0: 24 images",
        "sha256: 2fc34e26cd0f48514804a94f8832283039c7334076bff60768b1fed9ad068050",
    ],
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert masked(text) == text
    assert list(secrets_in({"reference": text})) == []


def test_words_of_a_command_and_fields_are_masked_by_the_name_before_them() -> None:
    command = ("vtbench", "run", "--token", "abcdefgh", "-t", "jpeg")
    assert masked_value(command) == ("vtbench", "run", "--token", MASK, "-t", "jpeg")
    args: dict[str, Any] = {"token": "abcdefgh", "size": 4, "nested": {"password": "pw", "x": ["a"]}, "tokens": "32"}
    assert masked_value(args) == {**args, "token": MASK, "nested": {"password": MASK, "x": ["a"]}}
    assert list(secrets_in({"command": list(command), "args": args})) == [
        "command.3",
        "args.token",
        "args.nested.password",
    ]


def test_homes_and_names_are_shortened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_home", lambda: (f"{HOMES}/annemarie", "annemarie"))
    assert masked(f"path={HOMES}/annemarie/data/x") == "path=~/data/x"
    assert masked(f"{HOMES}/bob/w.pt, {USERS}/bob/w.pt") == f"{HOMES}/{MASK}/w.pt, {USERS}/{MASK}/w.pt"
    assert masked(f"{DRIVE}\\Users\\bob\\w.pt") == f"{DRIVE}\\Users\\{MASK}\\w.pt"
    assert masked("/scratch/annemarie/w.pt") == f"/scratch/{MASK}/w.pt"
    assert masked("/homes/of/annemarie2") == "/homes/of/annemarie2"
    assert masked("/data/homework/x") == "/data/homework/x"


@given(st.text(max_size=80))
def test_masking_any_text_ends_and_is_stable(text: str) -> None:
    once = masked(text)
    assert masked(once) == once


@pytest.mark.parametrize("text", ["a_", "a-", "key", "token= ", "a://", "/home/", "--token ", "a.b@"])
def test_long_text_takes_no_long_time(text: str) -> None:
    """Time that grows with the square of the length would not end here."""
    assert len(masked(text * 100_000)) > 100_000


@pytest.mark.parametrize("text", ["write NAME,key=value,key=value", "quote text: key='…'", "token=value"])
def test_what_stands_for_a_value_is_none(text: str) -> None:
    assert masked(text) == text
