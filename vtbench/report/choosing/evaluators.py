"""Whose numbers compare among themselves: one evaluator measured every row of a table, under one stated protocol."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Question:
    """One column.

    Attributes:
        metric: name in the published rows.
        told: heading.
        stratum: of the rows.
        asked: what the column answers, where the overview has it; else empty.
    """

    metric: str
    told: str
    higher_is_better: bool
    stratum: str = "all"
    asked: str = ""


@dataclass(frozen=True)
class Evaluator:
    """One table of others.

    Attributes:
        file: stem of the CSV that holds it.
        protocols: as its rows state them: one, or one a part of the data.
        about: what it looks at, and what to mind.
        table: of the rows, where a file has several under one protocol; else empty.
        figure: file of its picture, where it has one.
    """

    title: str
    file: str
    protocols: tuple[str, ...]
    about: str
    questions: tuple[Question, ...]
    table: str = ""
    figure: str = ""


_RFID = Question("rfid", "rFID", False)
_PSNR, _SSIM = Question("psnr", "PSNR, dB", True), Question("ssim", "SSIM", True)
_UNDONE = "padded to a square, LANCZOS, undone and scored at the original size"
EVALUATORS = (
    Evaluator(
        "Documents, at 256×256",
        "omnidoc-tokenbench",
        (
            "OmniDoc-TokenBench, 3,042 crops of documents at 256×256: piq's PSNR and SSIM (no downsampling), "
            "lpips v0.1, pytorch-fid; NED against PaddleOCR's reading of the original",
        ),
        "Small type in Chinese and English: what a tokenizer does to text that somebody has to read. Measured by the "
        "authors of Qwen-Image-VAE-2.0, whose own four are among them.",
        (
            Question("compat_omnidoc_ned", "NED", True, asked="documents: NED"),
            _PSNR,
            _SSIM,
            Question("lpips_vgg", "LPIPS, VGG", False),
            Question("fid_pytorch", "FID, pytorch-fid", False),
        ),
        figure="figures/choosing-documents.svg",
    ),
    Evaluator(
        "Words and faces in photographs, at 256×256",
        "tokbench",
        tuple(f"TokBench {part} at 256, {_UNDONE}" for part in ("text task", "face task")),
        "Whether a word can still be read and a face still be recognised.",
        (
            Question("t_acc", "words read, %", True, "mean", "words in photographs: read, %"),
            Question("t_ned", "T-NED, %", True, "mean"),
            Question("face_similarity", "F-Sim", True, "mean", "faces: F-Sim"),
        ),
        table="256x256",
        figure="figures/choosing-words.svg",
    ),
    Evaluator(
        "ImageNet at 256×256, by SEED-Voken's evaluator",
        "tokenizers",
        ("ImageNet-1k at 256, SEED-Voken evaluator",),
        "Discrete tokenizers at 256 tokens, by the authors of two of the families.",
        (Question("rfid", "rFID", False, asked="ImageNet: rFID (SEED-Voken)"), _PSNR, _SSIM),
    ),
    Evaluator(
        "COCO at 256×256, by SEED-Voken's evaluator",
        "tokenizers",
        ("COCO at 256, SEED-Voken evaluator",),
        "The same tokenizers on images of another kind than most were trained on.",
        (_RFID, _PSNR, _SSIM),
    ),
    Evaluator(
        "ImageNet at original sizes, by SEED-Voken's evaluator",
        "tokenizers",
        ("ImageNet-1k at original resolution, SEED-Voken evaluator",),
        "Padded to multiples of 16, not resized. Bits a pixel are those at 256×256, before padding.",
        (_RFID, _PSNR, _SSIM),
    ),
    Evaluator(
        "COCO at original sizes, by SEED-Voken's evaluator",
        "tokenizers",
        ("COCO at original resolution, SEED-Voken evaluator",),
        "The same on COCO.",
        (_RFID, _PSNR, _SSIM),
    ),
    Evaluator(
        "ImageNet at 256×256, by MaskBit's evaluator",
        "tokenizers",
        ("ImageNet-256 validation, one evaluator for all rows",),
        "MaskBit beside its predecessors, by MaskBit's authors.",
        (
            Question("rfid", "rFID", False, asked="ImageNet: rFID (MaskBit)"),
            Question("is_mean", "IS", True),
            _PSNR,
            _SSIM,
        ),
    ),
)
