#!/usr/bin/env python3
"""Draws the WAV that `loadtest call` writes as an SVG: what the caller said above, what the caller heard below.

    scripts/call-picture.py call.wav [FROM_S TO_S] > docs/call.svg
"""
import struct
import sys
import wave

WIDTH, LANE, LEFT = 960, 90, 70
SPOKEN = 1500  # a sample above this is speech, on a line with comfort noise


def lanes(path):
    with wave.open(path) as file:
        rate, frames = file.getframerate(), file.getnframes()
        samples = struct.unpack(f"<{frames * 2}h", file.readframes(frames))
    return rate, samples[0::2], samples[1::2]


def envelope(samples, top):
    """One vertical line per pixel, from the lowest to the highest sample there."""
    lines, columns = [], WIDTH - LEFT
    for x in range(columns):
        part = samples[x * len(samples) // columns:(x + 1) * len(samples) // columns] or (0,)
        y = [top + LANE / 2 * (1 - s / 32768) for s in (max(part), min(part))]
        lines.append(f"M{LEFT + x} {y[0]:.1f}V{max(y[1], y[0] + 0.6):.1f}")
    return "".join(lines)


def onset(said, rate):
    """Seconds until the caller begins to speak."""
    return next((n / rate for n, s in enumerate(said) if abs(s) > SPOKEN), None)


def main():
    rate, said, heard = lanes(sys.argv[1])
    first, last = (float(a) for a in sys.argv[2:4]) if len(sys.argv) > 3 else (0, len(said) / rate)
    said, heard = (lane[int(first * rate):int(last * rate)] for lane in (said, heard))
    height = 2 * LANE + 40
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="13">')
    print(f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>')
    for text, top, lane, colour in (("said", 10, said, "#c2410c"), ("heard", LANE + 15, heard, "#1d4ed8")):
        print(f'<text x="8" y="{top + LANE / 2 + 4}" fill="#333">{text}</text>')
        print(f'<path d="{envelope(lane, top)}" stroke="{colour}" fill="none"/>')
    begins = onset(said, rate)
    if begins is not None:
        x = LEFT + begins * rate / len(said) * (WIDTH - LEFT)
        print(f'<path d="M{x:.0f} 5V{2 * LANE + 18}" stroke="#333" stroke-dasharray="4 3"/>')
        print(f'<text x="{x - 5:.0f}" y="16" text-anchor="end" fill="#333">the caller begins to speak</text>')
    for second in range(int(last - first) + 1):
        x = LEFT + second * rate / len(said) * (WIDTH - LEFT)
        print(f'<text x="{x:.0f}" y="{height - 8}" fill="#888" font-size="10">{second} s</text>' if second % 2 == 0 else "", end="")
    print("</svg>")


main()
