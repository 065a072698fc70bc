"""Numbers of the program beside R's, and the disagreements that are explained."""
import math

NAN = math.nan
TOLERANCE = 1e-8


def real(value):
    if value is None or isinstance(value, dict) or value == 'NA':
        return NAN
    return {'Inf': math.inf, '-Inf': -math.inf}[value] if isinstance(value, str) else float(value)


def log(value):
    value = real(value)
    return value if value != value else -math.inf if value <= 0 else math.log(value)


class Comparison:
    """What differs between an analysis of the program and R's answer."""

    def __init__(self, spec, cohort, ours, theirs):
        self.spec, self.cohort, self.ours, self.r = spec, cohort, ours, theirs
        self.faults = {}
        self.compared = 0
        self.is_separated = False
        self.explained = []
        # The information of columns with this condition has its square, which costs as many digits of 16.
        condition = theirs.get('condition', [1])[0] or 1
        self.tolerance = max(TOLERANCE, 1e-15 * condition ** 2)

    def fault(self, name, text, size=math.inf):
        if size > self.faults.get(name, (0, ''))[0]:
            self.faults[name] = (size, text)

    def add(self, name, got, want, scale=0.0, absolute=0.0):
        """`scale`: a number, or one for each, below which a difference is relative to it."""
        got, want = [x if isinstance(x, list) else [x] for x in (got, want)]
        if len(got) != len(want):
            return self.fault(name, f'{len(got)} numbers, {len(want)} in R')
        for i, (a, b) in enumerate(zip(got, want)):
            if isinstance(a, dict):
                continue  # withheld
            a, b = real(a), real(b)
            self.compared += 1
            floor = scale[i] if isinstance(scale, list) else scale
            floor = 0 if floor != floor else floor
            if name == 'limits' and (a == math.inf and b > 709 or a == -math.inf and b < -700):
                a = b  # beyond the largest number, or below the smallest
            if a == b or (a != a and b != b) or abs(a - b) <= max(self.tolerance * max(abs(b), floor), absolute):
                continue
            size = math.inf if a != a or b != b or math.isinf(b) else abs(a - b) / max(abs(b), floor, 1e-300)
            self.fault(name, f'{name}[{i}]: {a!r}, in R {b!r}', size)

    def all(self):
        getattr(self, self.spec.get('as', self.spec['kind']))()
        return self.faults

    def has(self, name): return name in self.r

    # ---- Cox models ----

    def infinite(self):
        """The coefficients that the program says are infinite."""
        return {i for i, v in enumerate(self.ours.get('coef') or []) if v in ('Inf', '-Inf')}

    def separated(self):
        """A likelihood without a maximum: R ends on the way, with a log-likelihood that has nothing more to gain.

        Which coefficients are infinite is told by both, R's by a rule of thumb: one that the program says is infinite must be far out
        in R or warned of, and one that R warns of must be infinite here. A coefficient that can be held at 0 at no cost, with others
        running to infinity in its place, may be anything in R. What stays finite is still on its way there. Where the information
        on a coefficient has vanished, R may drop it as if it had been redundant, with the log-likelihood that it has led to.
        """
        ours, r, infinite = self.ours, self.r, self.infinite()
        self.is_separated = True
        self.add('n', [ours['n'], ours['events']], r['n'])
        self.add('loglik', [ours['loglik_null'], ours['loglik']], r['loglik'], 1, 1e-7)
        self.add('score_test', ours['score_test']['statistic'], r['score_test'], 1e-2, 1e-11 * abs(real(r['loglik'][0])))
        self.add('lr_test', ours['lr_test']['statistic'], 2 * (r['loglik'][1] - r['loglik'][0]), 1e-2, 2e-7)
        warned = {int(i) - 1 for i in r.get('infinite', [])}
        for i, (got, want, spread) in enumerate(zip(ours['coef'], r['coef'], r['spread'])):
            self.compared += 1
            if i in infinite or (got, ours['lower'][i], ours['upper'][i]) == (None, 0, 'Inf'):
                if want is None and got and real(ours['p'][i]) < 0.9999:
                    self.explained.append('an infinite coefficient that R drops on its way: NA with the log-likelihood that it has led to')
                    continue
                is_far = want is not None and abs(want) * spread > 8
                # Without a p, or with one of 1, the likelihood does not need it.
                if not is_far and i not in warned and real(ours['p'][i]) < 0.9999:
                    self.fault('infinite', f'coef[{i}]: {got}, in R {want}')
                if is_far and real(ours['p'][i]) < 0.9999 and got and (want > 0) != (got == 'Inf'):
                    self.fault('infinite', f'coef[{i}]: {got}, in R {want}')
            elif i in warned:
                self.fault('infinite', f'coef[{i}]: {got}, in R infinite ({want})')
            elif got is None and want is not None and (r['se'][i] or 0) * spread > 1e6:
                self.explained.append('a redundant coefficient that R keeps with a standard error of rounding, beside an infinite one')
            elif (got is None) != (want is None) or got is not None and abs(got - want) > 1e-5 * r['se'][i]:
                self.fault('finite', f'coef[{i}]: {got}, in R {want}')

    def cox(self):
        ours, r = self.ours, self.r
        if self.has('infinite') or self.infinite():
            return self.separated()
        self.add('n', [ours['n'], ours['events']], r['n'])
        se = [real(v) for v in r['se']]
        used = [real(v) for v in r.get('robust_se', r['se'])]
        self.add('coef', ours['coef'], r['coef'], se)
        self.add('se', ours['se'], r['se'])
        if self.has('robust_se'):
            self.add('robust_se', ours['robust_se'], r['robust_se'])
        if self.has('z'):
            self.add('z', ours['z'], r['z'], 1)
            self.add('log_p', ours['log_p'], r['log_p'], 1)
            self.add('limits', [log(v) for v in ours['lower'] + ours['upper']], r['log_lower'] + r['log_upper'], used + used)
        flat = [v for row in ours['covariance'] for v in row]
        self.add('covariance', flat, r['covariance'], [a * b for a in used for b in used])
        self.add('loglik', [ours['loglik_null'], ours['loglik']], r['loglik'], 1)
        size = 1e-11 * abs(real(r['loglik'][0]))
        for test in ('lr_test', 'score_test', 'wald_test'):
            if self.has(test):
                self.add(test, ours[test]['statistic'], r[test], 1e-2, size)
        if self.has('df'):
            self.add('df', ours['lr_test']['df'], r['df'], 0, 1e-11)
        if self.has('lr_test_log_p'):
            self.add('lr_test_log_p', ours['lr_test']['log_p'], r['lr_test_log_p'], 1, 1e-2)
        if self.has('assign'):
            self.term_tests()
        if self.has('zph'):
            self.check()
        if self.has('c') and ours.get('concordance'):
            self.pairs(ours['concordance'])
        if self.has('penalty_df'):
            self.add('penalty df', ours['penalty']['df'], r['penalty_df'], 0, 1e-11)
        if self.has('variances'):
            self.add('variances', [v for v in ours['penalty']['variances'] if v is not None], r['variances'])
        if self.has('heterogeneity'):
            self.sites()
        # Without a coefficient R is not asked for a baseline hazard.
        if self.spec.get('baseline_hazard') and any(v is not None for v in r['coef']):
            self.baseline()

    def term_tests(self):
        assign = self.r['assign']
        mine = self.ours.get('term_tests') or {'part': [], 'statistic': []}
        for part, name, isWanted in (('all', 'term_test', lambda i: assign.count(i) > 1), ('nonlinear', 'nonlinear_test', lambda i: True)):
            want = [self.r[f'{name} {int(i)}'][0] for i in sorted(set(assign), key=assign.index)
                    if f'{name} {int(i)}' in self.r and isWanted(i)]
            got = [s for p, s in zip(mine['part'], mine['statistic']) if p == part]
            has_product = any(t[0].startswith('rcs') and (':' in t[0] or '*' in t[0]) or ':rcs' in t[0] or '*rcs' in t[0] for t in self.spec['terms'])
            if part == 'all' or not has_product:
                self.add(name, got, want, 1e-2)

    def check(self):
        z = self.ours.get('zph')
        if not z:
            return self.fault('zph', 'no check')
        self.add('zph', z['statistic'] + [z['global']['statistic']] if len(self.r['zph']) > len(z['statistic']) else z['statistic'], self.r['zph'], 1e-2)

    def pairs(self, mine):
        self.add('c', mine['c'], self.r['c'])
        self.add('c se', mine['se'], self.r['c_se'], 0, 1e-13)
        names = ('concordant', 'discordant', 'tied_x', 'tied_y', 'tied_xy')
        total = sum(real(v) for v in self.r['pairs'])
        self.add('pairs', [mine[n] for n in names], self.r['pairs'], total)

    def sites(self):
        mine = self.ours.get('heterogeneity')
        if not mine:
            return self.fault('heterogeneity', 'no test')
        self.add('heterogeneity', mine['global']['statistic'], self.r['heterogeneity_global'], 1e-2)
        self.add('heterogeneity', mine['global']['df'], self.r['heterogeneity_df'])
        self.add('heterogeneity', mine['statistic'], self.r['heterogeneity'], 1e-2)

    def baseline(self):
        mine = {b['stratum']: b for b in self.ours['baseline_hazard'] if b['times']}
        theirs = {k[len('baseline '):-len(' times')]: v for k, v in self.r.items() if k.startswith('baseline ') and k.endswith(' times') and v}
        if len(mine) != len(theirs):
            return self.fault('baseline', f'{len(mine)} strata, {len(theirs)} in R')
        for name, curve in mine.items():
            label = '.'.join(p.split('=')[-1].strip() for p in name.split(',')) if name else ''
            if label not in theirs:
                return self.fault('baseline', f'no stratum {label} in R')
            self.add('baseline times', curve['times'], theirs[label])
            self.add('baseline hazard', curve['cumulative_hazard'], self.r[f'baseline {label} hazard'])
            self.add('baseline se', curve['se'], self.r[f'baseline {label} hazard_se'])

    # ---- curves ----

    def survival(self):
        ours, r = self.ours, self.r
        self.add('n', [ours['n'], ours['events']], r['n'])
        for i, group in enumerate(ours['groups']):
            own = f'group{i + 1} '
            if own + 'times' not in r:
                if group['n']:
                    self.fault('groups', f"R has no group {group['name']}")
                continue
            self.add('times', group['times'], r[own + 'times'])
            for key in ('n_risk', 'n_event', 'n_censor', 'survival', 'se', 'lower', 'upper', 'cumulative_hazard', 'cumulative_hazard_se'):
                self.add(key, group[key], r[own + key], 1e-3, 1e-14 if key in ('survival', 'se', 'lower') else 0)
            self.add('median', [group['median'], group['median_lower'], group['median_upper']], r[own + 'median'])
            for q in group.get('quantiles') or []:
                self.add('quantile', [q['time'], q['lower'], q['upper']], r[f"{own}quantile {q['share']:g}"])
            for m in group.get('rmst') or []:
                want = r[f"{own}rmst {m['time']:g}"]
                self.add('rmst', m['mean'], want[0])
                self.add('rmst se', m['se'], want[1], 0, 1e-12)
            for a in group['at']:
                self.add('at', [a['survival'], a['se'], a['lower'], a['upper']], r[f"{own}at {a['time']:g}"], 1e-3)
            if group.get('follow_up'):
                f = group['follow_up']
                self.add('follow-up', [f['median'], f['lower'], f['upper']], r[own + 'follow_up'])
        test = ours.get('test')
        if test and self.has('chisq'):
            shown = [i for i, g in enumerate(ours['groups']) if g['n']]
            self.add('observed', [test['observed'][i] for i in shown], r['observed'], 1)
            self.add('expected', [test['expected'][i] for i in shown], r['expected'], 1)
            self.add('log-rank', test['statistic'], r['chisq'], 1e-2)
            if self.has('trend'):
                self.add('trend', test['trend']['statistic'], r['trend'], 1e-2)

    def incidence(self):
        ours, r = self.ours, self.r
        self.add('n', ours['n'], r['n'])
        for i, group in enumerate(ours['groups']):
            own = f'group{i + 1} '
            if own + 'times' not in r:
                continue
            self.add('times', group['times'], r[own + 'times'])
            if own + 'n_risk' in r:
                self.add('n_risk', group['n_risk'], r[own + 'n_risk'], 1e-3)
            for k, state in enumerate([group['event_free']] + [group['causes'][c] for c in ours['causes']]):
                for key in ('estimate', 'se', 'lower', 'upper'):
                    self.add(f'incidence {key}', state[key], r[f'{own}state{k} {key}'], 1e-3, 1e-14)
        if ours.get('test'):
            for k in range(len(ours['causes'])):
                if self.has(f'gray {k + 1}'):
                    self.add('gray', [ours['test']['statistic'][k], ours['test']['df'][k]], r[f'gray {k + 1}'], 1e-2)

    def concordance(self):
        self.add('n', [self.ours['n'], self.ours['events']], self.r['n'])
        self.pairs(self.ours)

    # ---- tables ----

    def describe(self):
        ours, r = self.ours, self.r
        self.add('people', ours['column_people'][0], r['n'])
        for i, mine in enumerate(ours['variables']):
            own = f'variable{i + 1} '
            self.add('known', mine['known'], r[own + 'known'])
            if 'levels' in mine and mine['levels'] is not None:
                for level in mine['levels']:
                    self.add('level', level['n'], r[f"{own}level {level['name']}"])
            for key, name in (('mean', 'mean'), ('sd', 'sd'), ('q1', 'q0.25'), ('median', 'q0.5'), ('q3', 'q0.75')):
                if key in mine and own + name in r:
                    want = [real(v) for v in r[own + name]]
                    self.add(key, mine[key], want, 0, 1e-14 if key == 'sd' else 0)
            for test in mine.get('tests') or []:
                name = own + test['name']
                if name not in r:
                    continue
                if test['name'] == 'wilcoxon':
                    self.add('wilcoxon', test['p'], r[name], 1e-3)
                else:
                    self.add(test['name'], [test['statistic']] + test['df'][:len(r[name]) - 1], r[name], 1e-3)
