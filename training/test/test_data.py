import shutil

import cv2
import numpy as np
import pytest
import torch

from seggpt_training.canvases import pixel_weights, to_canvases
from seggpt_training.data import augment, procedural
from seggpt_training.data.batches import PAINT_TARGET, RANDOM_MASK, BatchSet
from seggpt_training.data.cache import IGNORE, Cache
from seggpt_training.data.colours import draw_colours, palette
from seggpt_training.data.episodes import EpisodeMaker
from seggpt_training.data.tars import decode
from seggpt_training.data.val_episodes import different_images, same_image
from seggpt_training.errors import RecipeError
from seggpt_training.prepare import prepare


def test_broken_pictures_are_left_out_and_counted(pack, tmp_path, capsys):
    prepare(pack, tmp_path, 64, scenes=0)
    assert "2 broken ones left out" in capsys.readouterr().out
    assert len(Cache(tmp_path / "val")) == 24


def test_labels_of_16_bits_are_broken():
    labels = np.full((8, 8), 300)
    jpeg = cv2.imencode(".jpg", np.zeros((8, 8, 3), np.uint8))[1].tobytes()
    png = {bits: cv2.imencode(".png", labels.astype(bits))[1].tobytes() for bits in (np.uint8, np.uint16)}
    assert decode("a/0", jpeg, png[np.uint8]).labels.dtype == np.uint8
    assert decode("a/0", jpeg, png[np.uint16]) is None


def test_a_missing_tar_is_named(pack, tmp_path):
    copy = tmp_path / "pack"
    shutil.copytree(pack, copy)
    (copy / "train-000.tar").unlink()
    with pytest.raises(RecipeError, match="train-000.tar is missing"):
        prepare(copy, tmp_path / "cache", 64)


def test_an_interrupted_cache_is_not_read(tmp_path):
    (tmp_path / "images.bin").write_bytes(b"")
    with pytest.raises(RecipeError, match="run `prepare` first"):
        Cache(tmp_path)


def test_cache_shrinks_the_short_side_and_shares_images_of_contours(cache):
    stored = Cache(cache / "train")
    assert all(min(row[4:6]) == 64 for row in stored.rows)
    contours = stored.by_dataset[procedural.CONTOURS]
    places = [stored.rows[i][2] for i in stored.by_dataset["places"]]
    assert contours and all(stored.rows[i][2] in places for i in contours)


@pytest.mark.parametrize("name", procedural.MAKERS)
def test_scenes_are_the_same_for_the_same_seed(name):
    maker, _ = procedural.MAKERS[name]
    first, second = (maker(np.random.default_rng(5), 96) for _ in range(2))
    assert first[0].shape == (96, 96, 3) and first[1].shape == (96, 96) and first[0].dtype == np.uint8
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])
    assert (first[1] > 0).any()


def test_palette_is_the_published_lattice():
    assert palette(1).tolist() == [[255, 255, 255]]
    assert palette(3).tolist() == [[255, 255, 255], [255, 255, 127], [255, 127, 255]]


def test_colours_keep_apart():
    rng = np.random.default_rng(0)
    for _ in range(50):
        colours = np.concatenate([np.zeros((1, 3)), draw_colours(rng, 4).astype(float)])
        distance = np.linalg.norm(colours[:, None] - colours[None], axis=-1) + 1e9 * np.eye(5)
        assert distance.min() > 60


def test_without_strength_the_second_view_is_the_first():
    rng = np.random.default_rng(0)
    np.testing.assert_allclose(augment.motion(rng, 32, 0.0), np.eye(3), atol=1e-12)
    image = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
    np.testing.assert_array_equal(augment.recolour(rng, image, 0.0), image)


def test_the_whole_view_is_a_plain_resize():
    image = np.zeros((20, 40, 3), np.uint8)
    image[:, 20:] = 200
    labels = (image[..., 0] > 0).astype(np.uint8)
    warped, label = augment.warp(image, labels, augment.whole(20, 40, 16), 16)
    assert label[:, :8].max() == 0 and label[:, 8:].min() == 1
    assert warped[:, :7].max() == 0 and warped[:, 9:].min() == 200


def test_batches_do_not_depend_on_who_makes_them(cache, config):
    one, other = (BatchSet(cache / "train", config, 100) for _ in range(2))
    other[3]
    for number in (0, 7, 50):
        a, b = one[number], other[number]
        assert all(torch.equal(a[k], b[k]) if isinstance(a[k], torch.Tensor) else a[k] == b[k] for k in a)


def test_every_task_comes_up_and_is_masked_as_it_should_be(cache, config):
    data = BatchSet(cache / "train", config, 100)
    seen = set()
    for number in range(40):
        batch = data[number]
        seen.add((batch["task"], batch["prompts"]))
        assert len(batch["images"]) == config.batch_size // batch["prompts"] * batch["prompts"]
        masked = batch["masked"]
        if batch["task"] == PAINT_TARGET:
            assert masked[:, 2:].all() and not masked[:, :2].any()
        else:
            assert (masked.sum((1, 2)) == 6).all()
        canvas = to_canvases(batch, "cpu", 16)
        k = batch["prompts"]
        assert canvas.wanted.shape[0] == len(batch["images"]) // k == canvas.weight.shape[0]
        if k > 1:  # prompts of one target share it
            target = batch["images"][:, 32:].unflatten(0, (-1, k))
            assert torch.equal(target, target[:, :1].expand_as(target))
    assert seen == {(RANDOM_MASK, 1), (PAINT_TARGET, 1), (PAINT_TARGET, 2), (PAINT_TARGET, 3)}


def test_negatives_show_a_label_the_target_lacks(cache, config):
    config.share_negative, config.share_procedural = 1.0, 0.0
    maker = EpisodeMaker(Cache(cache / "train"), config)
    empty = sum(not (maker.make(i, 1, 0.5).target.labels == 1).any() for i in range(40))
    assert empty >= 30


def test_rare_labels_weigh_more_and_ignored_pixels_nothing():
    labels = torch.zeros(1, 32, 16, dtype=torch.uint8)
    labels[0, 16:18, :2] = 1
    labels[0, 31] = IGNORE
    masked = torch.tensor([[[0], [1]]])
    weight = pixel_weights(labels, masked, 16)
    assert weight[0, :16].sum() == 0 and weight[0, 31].sum() == 0
    assert weight[0, 16, 0] == 4 and weight[0, 20, 5] == 1


def test_validation_episodes_are_fixed(cache):
    val = Cache(cache / "val")
    first, second = (list(same_image(val, 32, 2)) + list(different_images(val, 32, 2, shots=2)) for _ in range(2))
    assert len(first) == len(second) > 6
    assert {t.protocol for t in first} == {"same", "different"}
    for a, b in zip(first, second):
        np.testing.assert_array_equal(a.target.image, b.target.image)
    assert all(len(t.prompts) == 2 for t in first if t.protocol == "different")
