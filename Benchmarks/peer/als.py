"""Alternating least squares of the package `implicit`, on the same lists as `footfall-bench als`: one JSON line.

    als.py TRAIN TEST --factors N --iterations N --regularisation X --confidence X --threads N

`--confidence` is what an entry counts beyond the 1 of an unobserved pair. BLAS keeps to one thread, as implicit advises: it
has threads of its own.
"""

import argparse
import json
import os
import time

os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"
import implicit  # noqa: E402
import numpy  # noqa: E402
import scipy.sparse  # noqa: E402


def lists(path: str) -> list[list[int]]:
    with open(path) as file:
        return [[int(word) for word in line.split()[1:]] for line in file]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("train")
    parser.add_argument("test")
    for name, kind in (("factors", int), ("iterations", int), ("regularisation", float), ("confidence", float),
                       ("threads", int)):
        parser.add_argument(f"--{name}", type=kind, required=True)
    options = parser.parse_args()

    train, test = lists(options.train), lists(options.test)
    width = 1 + max(item for some in (train, test) for items in some for item in items)
    columns = numpy.concatenate([numpy.array(items, dtype=numpy.int32) for items in train])
    offsets = numpy.cumsum([0] + [len(items) for items in train])
    matrix = scipy.sparse.csr_matrix((numpy.ones(len(columns), numpy.float32), columns, offsets), (len(train), width))

    model = implicit.als.AlternatingLeastSquares(
        factors=options.factors, regularization=options.regularisation, alpha=1 + options.confidence,
        iterations=options.iterations, num_threads=options.threads, random_state=1)
    begin, processor = time.perf_counter(), time.process_time()
    model.fit(matrix, show_progress=False)
    seconds, used = time.perf_counter() - begin, time.process_time() - processor

    found, _ = model.recommend(numpy.arange(len(train)), matrix, N=20, filter_already_liked_items=True)
    discount = 1 / numpy.log2(numpy.arange(20) + 2)
    recall = gain = 0.0
    persons = [person for person, items in enumerate(test) if items]
    for person in persons:
        held = set(test[person])
        hits = numpy.isin(found[person], list(held))
        recall += hits.sum() / len(held)
        gain += discount[hits].sum() / discount[: min(20, len(held))].sum()
    print(json.dumps({"version": implicit.__version__, "seconds": seconds, "cpu_s": used,
                      "recall@20": recall / len(persons), "ndcg@20": gain / len(persons), "persons": len(persons)}))


if __name__ == "__main__":
    main()
