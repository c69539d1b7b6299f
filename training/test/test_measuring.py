import json
import tarfile

import numpy as np
import pytest

from conftest import add_picture
from seggpt_training import full_evaluation, video
from seggpt_training.baselines import BASELINES
from seggpt_training.card import write_card
from seggpt_training.data import procedural
from seggpt_training.data.cache import IGNORE
from seggpt_training.data.episodes import Half
from seggpt_training.data.val_episodes import Trial
from seggpt_training.errors import RecipeError
from seggpt_training.evaluate import decode, headline, iou, show, summarise
from seggpt_training.export import export
from seggpt_training.train import Trainer


def square(size=64, left=20, side=24) -> Half:
    """A red square on blue."""
    labels = np.zeros((size, size), np.uint8)
    labels[20 : 20 + side, left : left + side] = 1
    image = np.full((size, size, 3), (20, 40, 200), np.uint8)
    image[labels == 1] = (220, 30, 20)
    return Half(image, labels)


def test_iou_counts_no_ignored_pixels():
    truth = np.array([[1, 1, 0, IGNORE]], np.uint8)
    assert iou(np.array([[True, False, False, True]]), truth) == 0.5
    assert iou(np.zeros((1, 4), bool), np.zeros((1, 4), np.uint8)) == 1.0


@pytest.mark.parametrize("name", BASELINES)
def test_baselines_find_what_has_not_moved(name):
    half = square()
    assert iou(BASELINES[name](Trial("a", "same", [half], half)), half.labels) > 0.9


def test_colour_beats_copying_when_things_move():
    trial = Trial("a", "same", [square()], square(left=36))
    scores = {name: iou(baseline(trial), trial.target.labels) for name, baseline in BASELINES.items()}
    assert scores["copy"] < 0.3 and scores["nearest"] > 0.8


def test_paintings_decode_to_the_nearer_colour():
    painting = np.array([[[255, 255, 255], [140, 130, 128], [100, 120, 125], [0, 0, 0]]], float)
    assert decode(painting).tolist() == [[True, True, False, False]]


def test_means_are_over_data_sets_not_over_episodes():
    trials = [Trial(name, "same", [], square()) for name in ("a", "a", "a", "b")]
    full, none = square().labels == 1, np.zeros((64, 64), bool)
    table = summarise(trials, [full, full, full, none])
    assert table == {("same", "a"): 1.0, ("same", "b"): 0.0}
    assert headline(table) == {"same": 0.5}
    assert "same 0.500" in show(table, table)


def test_boundaries_are_compared_within_a_few_pixels():
    truth = square(128).labels
    assert video.boundary_f(truth == 1, truth) == 1.0
    assert video.boundary_f(np.roll(truth, 1, 0) == 1, truth) == 1.0
    assert video.boundary_f(np.roll(truth, 40, 0) == 1, truth) < 0.5
    assert video.boundary_f(np.zeros_like(truth, bool), truth) == 0.0


def test_the_whole_measurement_and_its_card(config, cache, pack, tmp_path):
    trainer = Trainer(config, cache, tmp_path / "run", workers=0)
    trainer.begin()
    trainer.validate(1, 1)
    trainer.save()
    export(tmp_path / "run" / "last.pt", tmp_path / "weights")
    with tarfile.open(tmp_path / "videos.tar", "w") as tar:
        for frame in range(3):
            half = square(left=20 + frame)
            add_picture(tar, f"moving/{frame:05d}", half.image, half.labels)
    result = full_evaluation.measure(tmp_path / "weights", cache, tmp_path / "videos.tar", each=2, five=1)
    full_evaluation.write(result, tmp_path / "result.json")
    result = json.loads((tmp_path / "result.json").read_text())
    assert set(result["tables"]) == {"model", *BASELINES, "model, five prompts", "model, first of the five"}
    again = full_evaluation.measure(tmp_path / "weights", cache, None, 2, 0, reuse=tmp_path / "result.json")
    assert again["tables"]["grabcut"] == result["tables"]["grabcut"]
    with pytest.raises(RecipeError, match="other episodes"):
        full_evaluation.measure(tmp_path / "weights", cache, None, 3, 0, reuse=tmp_path / "result.json")
    with pytest.raises(RecipeError, match="--side 40 is no multiple of the model's patch, 16: try 48"):
        full_evaluation.measure(tmp_path / "weights", cache, None, 2, 0, side=40)
    alone = full_evaluation.measure(tmp_path / "weights", cache, None, 2, 0, baselines=False)
    full_evaluation.write(alone, tmp_path / "alone.json")
    with pytest.raises(RecipeError, match="alone.json has no baselines"):
        full_evaluation.measure(tmp_path / "weights", cache, None, 2, 0, reuse=tmp_path / "alone.json")
    assert set(result["videos"]["moving"]) == {"J", "F", "copy J", "copy F"}
    write_card(tmp_path / "weights", pack, tmp_path / "run", result, "a test")
    card = (tmp_path / "weights" / "MODEL_CARD.md").read_text()
    assert "Research use only" in card and "| places |" in card and "| moving |" in card and "(videos above)" in card
    write_card(tmp_path / "weights", pack, tmp_path / "run", again, "a test")
    card = (tmp_path / "weights" / "MODEL_CARD.md").read_text()
    assert "the first mask copied can be better." in card and "videos above" not in card
    assert "seggpt evaluate" not in card
    row = {"dataset": "alike", "episodes": 20, "model": 0.5, "copy": 0.25, "nearest": 0.625, "grabCut": 0.125}
    one = [row | {"protocol": protocol} for protocol in ("same", "different")]
    five = [one[1] | {"firstPrompt": 0.375}]
    write_card(tmp_path / "weights", pack, tmp_path / "run", again, "a test", package=(one, five))
    card = (tmp_path / "weights" / "MODEL_CARD.md").read_text()
    assert card.count("| alike | 20 | 0.500 | 0.250 | **0.625** | 0.125 |") == 2
    assert "| alike | 20 | 0.375 | **0.500** |" in card
    del row["grabCut"]
    for package, flag in (((one, one), "--shots 5"), (([row | {"protocol": "different"}], None), "--grabcut")):
        with pytest.raises(RecipeError, match=f"run it with {flag}"):
            write_card(tmp_path / "weights", pack, tmp_path / "run", again, "a test", package=package)
    assert "Better than all three on 0 of 2 rows; not on alike (same), alike (different)." in card


def test_measuring_without_weights_says_so(cache, tmp_path):
    with pytest.raises(RecipeError, match="export first"):
        full_evaluation.measure(tmp_path, cache, None, 1, 0)
