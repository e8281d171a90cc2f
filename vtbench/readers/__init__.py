"""Readers: images to text. Each wraps one OCR engine, imported when asked for."""

from vtbench.core.registry import Registry

READERS = Registry(
    "reader",
    "vtbench.readers",
    {
        "rapidocr": "vtbench.readers.rapidocr:RapidOcr",
        "tesseract": "vtbench.readers.tesseract:Tesseract",
        "boxes": "vtbench.readers.boxes:CropReader",
        "parseq": "vtbench.readers.parseq:Parseq",
        "vlm": "vtbench.readers.vlm:VisionLanguageReader",
        "gemma3-vtbench": "vtbench.readers.vlm:gemma3_vtbench",
    },
)
