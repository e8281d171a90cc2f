"""Image sources and preprocessing presets."""

from vtbench.core.registry import Registry

DATASETS = Registry(
    "data set",
    "vtbench.datasets",
    {
        "folder": "vtbench.data.folder:ImageFolder",
        "hub": "vtbench.data.hub:HubDataset",
        "webdataset": "vtbench.data.tars:WebDatasetTars",
        "parquet": "vtbench.data.parquet:ParquetShards",
        "photos-mini": "vtbench.data.photos_mini:PhotosMini",
    },
)
