#!/usr/bin/env python3
"""Cuts lung.csv and bmt.csv into one file a site; run once, the results are committed.

lung: institutions stay whole. In the order of their size, largest first (ties: smaller number first), each goes to
the site that has the fewest patients so far (ties: first site). The patient without an institution belongs to no
site. The columns offset_age, w_int and w_frac, which are not of the original data, are left out.
bmt: one file for each of the four hospitals.
"""
import collections, csv, pathlib

HERE = pathlib.Path(__file__).parent


def read(name):
    with open(HERE / name, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write(path, rows, columns):
    with open(HERE / path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    print(path, len(rows), "patients")


def split_lung():
    rows = [row for row in read("lung.csv") if row["inst"]]
    sizes = collections.Counter(row["inst"] for row in rows)
    sites = [[], [], [], []]
    for institution in sorted(sizes, key=lambda inst: (-sizes[inst], int(inst))):
        min(sites, key=lambda site: sum(sizes[inst] for inst in site)).append(institution)
    columns = [name for name in rows[0] if name not in ("offset_age", "w_int", "w_frac")]
    for number, institutions in enumerate(sites, start=1):
        own = [row for row in rows if row["inst"] in institutions]
        write(f"lung/site-{number}.csv", own, columns)
        events = sum(row["status"] == "2" for row in own)
        print("  institutions", ", ".join(institutions), "-", events, "events")


def split_bmt():
    rows = read("bmt.csv")
    for hospital, site in [("OSU", "osu"), ("Alfred", "alfred"), ("StVincent", "st-vincent"),
                           ("Hahnemann", "hahnemann")]:
        own = [row for row in rows if row["hospital"] == hospital]
        write(f"bmt/{site}.csv", own, list(rows[0]))
        print("  ", sum(row["d3"] == "1" for row in own), "events")


split_lung()
split_bmt()
