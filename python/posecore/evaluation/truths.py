"""`Truths` and `Detections`: annotation and result files as columns, one row a person."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

FloatColumn = npt.NDArray[np.float64]
IntColumn = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where columns came from.

    Attributes:
        name: the file's path as it was given, or what it was instead, such as "dict" or "stream".
        sha256: of the file's bytes in hex, or None where there was no file.
        size_bytes: of the file, or None.
        notes: sentences for people about what was mended while reading, such as counts that did not agree.
    """

    name: str
    sha256: str | None = None
    size_bytes: int | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Images:
    """I pictures, in ascending order of their ids.

    Attributes:
        ids: (I,) int64.
        widths, heights: (I,) int64 in pixels, 0 where the file does not say.
        file_names: I names as the file has them, "" where it has none. Untrusted text.
        crowd_indices: (I,) float64, CrowdPose's crowdIndex in [0, 1], NaN where there is none.
    """

    ids: IntColumn
    widths: IntColumn
    heights: IntColumn
    file_names: tuple[str, ...]
    crowd_indices: FloatColumn

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True, eq=False)
class Truths:
    """G annotated people of K keypoints, in the order of the file.

    Attributes:
        images: all pictures of the set, those without people among them.
        ids: (G,) int64, annotation ids, all different; 0 is one like any other.
        image_index: (G,) int64, the row of `images` that the person is in.
        category_ids: (G,) int64.
        xy: (G, K, 2) float64 in pixels, as the file has them; finite.
        visibility: (G, K) uint8: 0 not labelled, 1 labelled and hidden, 2 visible (any number above 0 counts).
        stated_num_keypoints: (G,) int64, the file's `num_keypoints`, -1 where it has none. CrowdPose alone goes by it
            (it does not count head and neck); elsewhere labelled keypoints are counted.
        areas: (G,) float64 in px², the file's `area`; NaN where it has none.
        boxes: (G, 4) float64: x, y, width, height in pixels; NaN where the file has none.
        is_crowd: (G,) bool.
        keypoint_names: K names of the category, or () where the file has none.
        category_names: {category id: name}.
        origin: the file.
    """

    images: Images
    ids: IntColumn
    image_index: IntColumn
    category_ids: IntColumn
    xy: FloatColumn
    visibility: npt.NDArray[np.uint8]
    stated_num_keypoints: IntColumn
    areas: FloatColumn
    boxes: FloatColumn
    is_crowd: npt.NDArray[np.bool_]
    keypoint_names: tuple[str, ...]
    category_names: dict[int, str]
    origin: Origin

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def num_keypoints(self) -> int:
        """K."""
        return int(self.xy.shape[1])

    def as_wide_as(self, keypoints: int) -> Truths:
        """Itself; where nobody is in it, nobody of this many keypoints, as no person says how many there are."""
        if len(self) or keypoints == self.num_keypoints:
            return self
        return replace(
            self,
            xy=np.zeros((0, keypoints, 2)),
            visibility=np.zeros((0, keypoints), np.uint8),
            keypoint_names=self.keypoint_names if len(self.keypoint_names) == keypoints else (),
        )

    @property
    def num_labelled(self) -> IntColumn:
        """(G,) int64, how many keypoints of each person are labelled (v > 0)."""
        counts: IntColumn = (self.visibility > 0).sum(axis=1, dtype="int64")
        return counts


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """D predicted people of K keypoints, in the order of the file.

    Attributes:
        image_index: (D,) int64, the row of the truths' `images` that the person is in.
        category_ids: (D,) int64.
        xy: (D, K, 2) float64 in pixels, as the file has them; finite. A (0, 0) is a prediction at the origin.
        keypoint_scores: (D, K) float32, the third number of each keypoint; COCO's numbers never read it.
        scores: (D,) float64, finite, of any range.
        origin: the file.
        loaded_areas: (D,) float64 in px², what COCO's loader takes as each result's area where that is not the
            extent of `xy`: of its `bbox` where the first result has one, else the extent of its `keypoints`,
            whatever fields `xy` was read from; None: the extent of `xy`. Where the first result has a `segmentation`
            and no `bbox`, pycocotools takes the areas of the masks; here the extent of the keypoints is taken.
        images: the truths' images, which `image_index` is about; None: not known.
    """

    image_index: IntColumn
    category_ids: IntColumn
    xy: FloatColumn
    keypoint_scores: npt.NDArray[np.float32]
    scores: FloatColumn
    origin: Origin
    loaded_areas: FloatColumn | None = None
    images: Images | None = None

    def __len__(self) -> int:
        return len(self.scores)

    def where(self, wanted: npt.NDArray[np.bool_]) -> Detections:
        """The rows for which `wanted`, (D,), is True."""
        return replace(
            self,
            image_index=self.image_index[wanted],
            category_ids=self.category_ids[wanted],
            xy=self.xy[wanted],
            keypoint_scores=self.keypoint_scores[wanted],
            scores=self.scores[wanted],
            loaded_areas=None if self.loaded_areas is None else self.loaded_areas[wanted],
        )

    @property
    def areas(self) -> FloatColumn:
        """(D,) float64 in px², against area ranges: `loaded_areas`, else `extents`."""
        return self.extents if self.loaded_areas is None else self.loaded_areas

    @property
    def extents(self) -> FloatColumn:
        """(D,) float64 in px²: (max x - min x) (max y - min y) over all K points, whatever `loaded_areas` are."""
        if not self.xy.size:
            return np.zeros(len(self))
        # A column at a time: six times as fast as both at once.
        x, y = self.xy[:, :, 0], self.xy[:, :, 1]
        with np.errstate(over="ignore", invalid="ignore"):
            areas: FloatColumn = (x.max(axis=1) - x.min(axis=1)) * (y.max(axis=1) - y.min(axis=1))
        return areas
