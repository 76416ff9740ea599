"""ffmpeg as a player: content types, a segmented stream (HLS), and seeking in a file."""

import os
import re
import urllib.request

from cases.command import run
from programs import command, find, version_of
from suite import check

NAME = "ffmpeg"
SECONDS = 6
# RFC 8216 section 10, RFC 4337, RFC 3555, and Python's `mimetypes`.
TYPES = {
    "film.m3u8": "application/vnd.apple.mpegurl",
    "film0.ts": "video/mp2t",
    "film.mp4": "video/mp4",
    "sound.m4a": "audio/mp4",
}


def version():
    find("ffprobe")
    return version_of([find("ffmpeg"), "-version"], r"ffmpeg version ([\d.]+)")


def ffmpeg(*arguments, folder=None):
    process = run(["ffmpeg", "-nostdin", "-v", "error", *arguments], folder=folder)
    told = (process.stdout + process.stderr).decode(errors="replace")
    check((process.returncode, told), (0, ""), f"exit code and output of ffmpeg {arguments}")


class Started:
    def __init__(self, stage):
        served = os.path.join(stage.scratch, "films")
        os.makedirs(served)
        picture = ["-f", "lavfi", "-i", f"testsrc=size=128x96:rate=10:duration={SECONDS}"]
        sound = ["-f", "lavfi", "-i", f"sine=duration={SECONDS}"]
        both = [*picture, *sound, "-c:v", "mpeg4", "-g", "10", "-c:a", "aac"]
        # The index is at the end of the file, as it is by default, so a player has to request ranges.
        ffmpeg(*both, "film.mp4", folder=served)
        ffmpeg(*sound, "-c:a", "aac", "sound.m4a", folder=served)
        stream = [*both[: both.index("-c:v")], "-c:v", "mpeg2video", "-g", "10", "-c:a", "aac"]
        ffmpeg(*stream, "-f", "hls", "-hls_time", "1", "-hls_list_size", "0", "film.m3u8", folder=served)
        self.program = command(stage, "films", served)

    def stop(self):
        self.program.stop()

    def asked(self, name):
        return re.findall(rf'"GET /{re.escape(name)} HTTP/1\.1" (\d+)', self.program.log())


def begin(stage):
    return Started(stage)


def case_types(_stage, started):
    """Content types of a playlist, its segments, a film and its sound"""
    for name, expected in TYPES.items():
        with urllib.request.urlopen(started.program.url(f"/{name}")) as response:
            check(response.headers["Content-Type"], expected, f"type of {name}")


def case_stream(_stage, started):
    """A segmented stream (HLS), from its playlist to its end"""
    ffmpeg("-i", started.program.url("/film.m3u8"), "-f", "null", "-")
    for part in range(SECONDS):
        asked = started.asked(f"film{part}.ts")
        check(bool(asked) and {*asked} <= {"200", "206"}, True, f"part {part}, {asked}")


def case_film(_stage, started):
    """A film whose index is at its end, and seeking in it"""
    ffmpeg("-i", started.program.url("/film.mp4"), "-f", "null", "-")
    ffmpeg("-ss", str(SECONDS - 2), "-i", started.program.url("/film.mp4"), "-f", "null", "-")
    check("206" in started.asked("film.mp4"), True, "a range was requested and sent")


def case_sound(_stage, started):
    """Sound only, with its length"""
    asks = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0"]
    process = run([*asks, started.program.url("/sound.m4a")])
    told = process.stdout.decode().strip()
    check(round(float(told or 0)), SECONDS, f"seconds; ffprobe wrote {process.stderr.decode()}")
