# A whole fit by lifelines or scikit-survival: "peers.py NAME FILE ROWS COLUMNS" prints the CPU seconds; status 3 if NAME is absent.
#
# The file has times, events and covariates as doubles, column by column. Efron's ties in both.
import importlib.util
import sys
import time

name, path, rows, columns = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
if importlib.util.find_spec({"lifelines": "lifelines", "scikit-survival": "sksurv"}[name]) is None:
    sys.exit(3)

import numpy

values = numpy.fromfile(path).reshape(columns + 2, rows)
times, events, x = values[0], values[1] > 0, numpy.ascontiguousarray(values[2:].T)
if name == "lifelines":
    import pandas
    from lifelines import CoxPHFitter

    frame = pandas.DataFrame(x, columns=[f"x{i}" for i in range(columns)])
    frame["time"], frame["event"] = times, events
    before = time.process_time()
    CoxPHFitter().fit(frame, "time", "event")
else:
    from sksurv.linear_model import CoxPHSurvivalAnalysis
    from sksurv.util import Surv

    y = Surv.from_arrays(events, times)
    before = time.process_time()
    CoxPHSurvivalAnalysis(ties="efron").fit(x, y)
print(time.process_time() - before)
