"""The configuration of a process: one frozen object, from the table of keys and the sources that set them."""

from .directory import prepare_dir, prepare_dirs
from .errors import ConfigError, DirectoryError
from .key import Key
from .loader import load
from .settings import (
    KEYS,
    AnalyseConfig,
    CaptureConfig,
    CollectorConfig,
    Config,
    GovernorConfig,
    LoopConfig,
    Overflow,
    Profile,
    SegmentConfig,
    StoreConfig,
)

__all__ = [
    "KEYS",
    "AnalyseConfig",
    "CaptureConfig",
    "CollectorConfig",
    "Config",
    "ConfigError",
    "DirectoryError",
    "GovernorConfig",
    "Key",
    "LoopConfig",
    "Overflow",
    "Profile",
    "SegmentConfig",
    "StoreConfig",
    "load",
    "prepare_dir",
    "prepare_dirs",
]
