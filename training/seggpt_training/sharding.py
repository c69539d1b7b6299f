"""Moving data and checkpoints where only little travels at a time.

`pack` lays files into folders of at most so many megabytes, cutting files that are larger; `join` puts them
together again, a folder at a time, in any order. The same cutting brings a checkpoint back in small files.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import torch

from . import checkpoint
from .errors import RecipeError

MEGABYTE = 2**20
LISTING = "pieces.json"


def cut(files: list[Path], names: list[str], chunk: int) -> list[dict]:
    """Pieces of at most `chunk` bytes: name of the file, number of the piece, where it begins, its length."""
    pieces = []
    for path, name in zip(files, names):
        size = path.stat().st_size
        count = max(1, -(-size // chunk))
        for number in range(count):
            begin = number * chunk
            pieces.append(
                {"file": name, "piece": number, "of": count, "begin": begin, "length": min(chunk, size - begin)}
            )
    return pieces


def write_piece(source: Path, piece: dict, folder: Path) -> None:
    with open(source, "rb") as file:
        file.seek(piece["begin"])
        data = file.read(piece["length"])
    piece["sha256"] = hashlib.sha256(data).hexdigest()
    piece["stored"] = f"{piece['file'].replace('/', '__')}.{piece['piece']:03d}"
    (folder / piece["stored"]).write_bytes(data)


def pack(source: Path, out: Path, max_mb: float) -> int:
    """Splits the files of `source` over folders out/00, out/01, ... Returns their number."""
    files = sorted(p for p in source.rglob("*") if p.is_file())
    if not files:
        raise RecipeError(f"{source} holds no files")
    limit = int(max_mb * MEGABYTE) - 64 * 1024  # room for the listing
    names = [str(p.relative_to(source)) for p in files]
    paths = dict(zip(names, files))
    folders: list[list[dict]] = []
    room: list[int] = []
    for piece in sorted(cut(files, names, limit), key=lambda p: -p["length"]):
        place = next((i for i, left in enumerate(room) if left >= piece["length"]), None)
        if place is None:
            folders.append([])
            room.append(limit)
            place = len(room) - 1
        folders[place].append(piece)
        room[place] -= piece["length"]
    for number, pieces in enumerate(folders):
        folder = out / f"{number:02d}"
        folder.mkdir(parents=True, exist_ok=True)
        for piece in pieces:
            write_piece(paths[piece["file"]], piece, folder)
        (folder / LISTING).write_text(json.dumps(pieces, indent=1))
    return len(folders)


def join(source: Path, out: Path) -> list[str]:
    """Adds the pieces of one folder to `out`. Returns the files that are complete now."""
    listing = source / LISTING
    if not listing.is_file():
        raise RecipeError(f"{listing} is missing: {source} was not written by `pack`")
    complete = []
    waiting = out / ".pieces"
    waiting.mkdir(parents=True, exist_ok=True)
    for piece in json.loads(listing.read_text()):
        data = source / piece["stored"]
        if hashlib.sha256(data.read_bytes()).hexdigest() != piece["sha256"]:
            raise RecipeError(f"{data} was damaged on the way: send its folder again")
        shutil.copyfile(data, waiting / piece["stored"])
        stem = piece["stored"][:-4]
        parts = [waiting / f"{stem}.{number:03d}" for number in range(piece["of"])]
        if all(part.is_file() for part in parts):
            target = out / piece["file"]
            target.parent.mkdir(parents=True, exist_ok=True)
            with open(target, "wb") as file:
                for part in parts:
                    file.write(part.read_bytes())
                    part.unlink()
            complete.append(piece["file"])
    return complete


def bring_back(source: Path, out: Path, chunk_mb: float, max_files: int) -> int:
    """Writes a checkpoint in files of at most `chunk_mb`: whole if that many files hold it, else without the
    optimiser's state and in half precision, from which `train --from` goes on. Returns the number of files."""
    chunk = int(chunk_mb * MEGABYTE)
    out.mkdir(parents=True, exist_ok=True)
    small = out / "checkpoint.pt"
    path = source
    if source.stat().st_size > chunk * (max_files - 1):
        state = checkpoint.load(source)
        slim = {"config": state["config"], "step": state["step"], "seconds": state["seconds"]}
        slim["average"] = {k: v.half() for k, v in state["average"].items()}
        torch.save(slim, small)
        path = small
    pieces = cut([path], ["checkpoint.pt"], chunk)
    if len(pieces) + 1 > max_files:
        raise RecipeError(f"even the weights alone need {len(pieces) + 1} files of {chunk_mb} MB: raise --max-files")
    for piece in pieces:
        write_piece(path, piece, out)
    small.unlink(missing_ok=True)
    (out / LISTING).write_text(json.dumps(pieces, indent=1))
    return len(pieces) + 1
