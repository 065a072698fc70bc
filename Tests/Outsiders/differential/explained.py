"""What is left out of the comparison, and which disagreements are explained: the rules of Tests/Agreement.md."""
import os
import re

# Areas that a run may leave out: COXSWAIN_FUZZ_LEAVE_OUT="common-convergence".
LEFT_OUT = os.environ.get('COXSWAIN_FUZZ_LEAVE_OUT', 'common-convergence').split()


def is_out_of_scope(c):
    """Why an analysis is not compared at all; None if it is."""
    failed = c.ours.get('kind') == 'failed'
    if c.r['#error']:
        return 'both refuse' if failed else 'R gives no answer: ' + c.r['#error'][:60]
    warnings = ' '.join(c.r['#warnings'])
    if re.search('infinite|con?verge|Ran out', warnings) and 'infinite' not in c.r:
        return 'R warns that it does not converge'
    if failed:
        reason = c.ours['reason']
        if 'common-convergence' in LEFT_OUT and re.search('converge|risk score|no step|evaluations', reason):
            return 'no convergence'
        if 'smallest-cell' in reason:
            return 'a group below the smallest cell'
        return 'the program refuses: ' + re.sub(r'[0-9.]+', '#', re.sub('"[^"]*"', '"..."', reason))[-110:]
    return None


def explanation(c, name):
    """Why a number differs; None if nobody knows."""
    if name in ('log-rank', 'trend') and c.r.get('chisq') == [0.0] and c.ours['test']['statistic'] is None:
        return 'no group differs in anything: R has a statistic of 0, the program NA'
    text = c.faults[name][1]
    if name.startswith('incidence ') and ': nan, in R' in text and abs(float(text.split()[-1])) < 1e-12:
        return 'limits of an incidence of 0, which rounding has moved in R'
    if name == 'c se' and c.r['c'] == [None]:
        return 'a concordance of no pair: R has a standard error of 0, the program NA'
    if name == 'gray' and ': nan, in R -' in text:
        return "cmprsk's statistic is negative, the program has NA"
    return None
