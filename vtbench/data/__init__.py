"""Image sources and preprocessing presets."""

from vtbench.core.registry import Registry

DATASETS = Registry(
    "data set",
    "vtbench.datasets",
    {
        "folder": "vtbench.data.folder:ImageFolder",
        "npz": "vtbench.data.npz:ArrayImages",
        "hub": "vtbench.data.hub:HubDataset",
        "webdataset": "vtbench.data.tars:WebDatasetTars",
        "parquet": "vtbench.data.parquet:ParquetShards",
        "annotated-folder": "vtbench.data.annotated_folder:AnnotatedFolder",
        "tokbench-text": "vtbench.data.tokbench_data:TokBenchText",
        "tokbench-faces": "vtbench.data.tokbench_data:TokBenchFaces",
        "vtbench-folder": "vtbench.data.vtbench_folder:VTBenchFolder",
        "english-mini": "vtbench.data.english_mini:EnglishMini",
        "multilingual-mini": "vtbench.data.multilingual_mini:MultilingualMini",
        "patterns-mini": "vtbench.data.patterns_mini:PatternsMini",
        "photos-mini": "vtbench.data.photos_mini:PhotosMini",
        "scenes-mini": "vtbench.data.scenes_mini:ScenesMini",
        "photos-whole": "vtbench.data.photos_whole:PhotosWhole",
    },
)
