"""A dozen pictures of people of all sizes and what a middling network might say of them: crowds, people without
labels, ties of scores, and more detections than are looked at."""

from __future__ import annotations

from typing import Any

import numpy as np
from standing_people import annotation, points, truth

Record = dict[str, Any]


def noisy_set(seed: int = 0, categories: tuple[int, ...] = (1,)) -> tuple[Record, list[Record]]:
    """A COCO annotation dict whose images are not in the order of their ids, and results that find about half."""
    rng = np.random.default_rng(seed)
    images = [int(i) for i in rng.permutation(np.arange(3, 99, 8))]
    people, results = [], []
    for image in images[:-2]:  # two have nobody
        for _ in range(int(rng.integers(1, 5))):
            height = float(rng.uniform(20, 400))
            box = (
                round(float(rng.uniform(0, 300)), 1),
                round(float(rng.uniform(0, 100)), 1),
                height / 2,
                height,
            )
            category = int(rng.choice(categories))
            kind = rng.random()
            labelled = () if kind < 0.25 else np.flatnonzero(rng.random(17) < 0.7).tolist()
            number = 900 - 7 * len(people)
            people.append(
                annotation(
                    number,
                    image,
                    box=box,
                    area=round(height * height / 4, 2),
                    labelled=labelled,
                    crowd=int(kind < 0.1),
                    category_id=category,
                )
            )
            for noise in rng.choice([0.0, 0.02, 0.05, 0.2], int(rng.integers(1, 4))):
                results.append(_guess(rng, box, float(noise), image, category))
    results += [_guess(rng, (10.0 * n, 10, 90, 200), 0.1, images[1], categories[0]) for n in range(24)]
    results.append(_guess(rng, (0, 0, 90, 200), 0.1, images[-1], categories[0]))
    data = truth(*people, images=images)
    data["info"] = {"description": "noisy people", "year": 2026}
    data["categories"] = [
        {**data["categories"][0], "id": c, "name": f"kind {c}", "supercategory": "odd" if c % 2 else "even"}
        for c in categories
    ]
    return data, [results[int(n)] for n in rng.permutation(len(results))]


def _guess(rng: np.random.Generator, box: Any, noise: float, image: int, category: int) -> Record:
    xy = np.array(points(box)) + rng.normal(0, noise * box[3], (17, 2))
    flat = np.column_stack((xy.round(2), rng.uniform(0.1, 1, 17).round(3))).ravel().tolist()
    return {
        "image_id": image,
        "category_id": category,
        "keypoints": flat,
        "score": round(float(rng.uniform(0.2, 0.9) - noise), 1),
    }
