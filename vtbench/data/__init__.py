"""Sources of images and videos, and preprocessing presets."""

from vtbench.core.registry import Registry

DATASETS = Registry(
    "data set",
    "vtbench.datasets",
    {
        "folder": "vtbench.data.sources.folder:ImageFolder",
        "split-folder": "vtbench.data.sources.split_folder:SplitFolder",
        "npz": "vtbench.data.sources.npz:ArrayImages",
        "hub": "vtbench.data.sources.hub:HubDataset",
        "webdataset": "vtbench.data.sources.tars:WebDatasetTars",
        "parquet": "vtbench.data.sources.parquet:ParquetShards",
        "annotated-folder": "vtbench.data.sources.annotated_folder:AnnotatedFolder",
        "tokbench-text": "vtbench.data.sources.tokbench:TokBenchText",
        "tokbench-faces": "vtbench.data.sources.tokbench:TokBenchFaces",
        "videos": "vtbench.data.sources.videos.dataset:Videos",
        "vtbench-folder": "vtbench.data.sources.vtbench_folder:VTBenchFolder",
        "video-mini": "vtbench.data.embedded.video_mini:VideoMini",
        "english-mini": "vtbench.data.embedded.english_mini:EnglishMini",
        "multilingual-mini": "vtbench.data.embedded.multilingual_mini:MultilingualMini",
        "patterns-mini": "vtbench.data.embedded.patterns_mini:PatternsMini",
        "photos-mini": "vtbench.data.embedded.photographs.photos_mini:PhotosMini",
        "scenes-mini": "vtbench.data.embedded.photographs.scenes_mini:ScenesMini",
        "tiles-mini": "vtbench.data.embedded.photographs.tiles_mini:TilesMini",
        "grid-mini": "vtbench.data.embedded.photographs.grid_mini:GridMini",
        "photos-whole": "vtbench.data.embedded.photographs.photos_whole:PhotosWhole",
    },
)
