"""Random analyses of a cohort: as an entry of a study file, and as a call in R.

An analysis is a dictionary of plain values, from which both texts are made, so that it can be made smaller key by key.
Formulas are pairs: the text of the study, and R's.
"""


def flow(value):
    """YAML in one line."""
    if isinstance(value, dict):
        return '{' + ', '.join(f'{k}: {flow(v)}' for k, v in value.items()) + '}'
    if isinstance(value, (list, tuple)):
        return '[' + ', '.join(flow(v) for v in value) + ']'
    if isinstance(value, bool):
        return 'true' if value else 'false'
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else f'{value:g}' if isinstance(value, float) else str(value)


def r(value):
    """R's text of a plain value."""
    if value is None:
        return 'NULL'
    if isinstance(value, bool):
        return 'TRUE' if value else 'FALSE'
    if isinstance(value, dict):
        return 'list(' + ', '.join(f'{k} = {r(v)}' for k, v in value.items()) + ')'
    if isinstance(value, list):
        return 'c(' + ', '.join(r(v) for v in value) + ')'
    return '"' + value + '"' if isinstance(value, str) else repr(value)


def quote(formula): return f'quote({formula})'


class Maker:
    def __init__(self, random, cohort):
        self.random, self.cohort = random, cohort
        self.count = 0

    # ---- formulas ----

    def number(self):
        pick = self.random.random()
        name = self.random.choice(['age', 'crp', 'count', 'shift'])
        if pick < 0.55:
            return [name, name]
        k = self.random.choice([2, 5, 10, 60])
        return self.random.choice([
            ['log(crp)', 'log(crp)'], ['sqrt(count)', 'sqrt(count)'], [f'((age - 60) / {k})', f'I((age - 60) / {k})'],
            [f'abs(age - {k})', f'abs(age - {k})'], [f'(count * {k})', f'I(count * {k})'], ['exp(shift)', 'exp(shift)'],
            ['(age + count)', 'I(age + count)'], ['log(count + 1)', 'log(count + 1)']])

    def condition(self, depth=0):
        """A yes/no formula; R's is TRUE, FALSE or NA."""
        pick = self.random.random()
        if depth < 2 and pick < 0.3:
            a, b = self.condition(depth + 1), self.condition(depth + 1)
            word, sign = self.random.choice([('and', '&'), ('or', '|')])
            return [f'({a[0]}) {word} ({b[0]})', f'({a[1]}) {sign} ({b[1]})']
        if depth < 2 and pick < 0.4:
            a = self.condition(depth + 1)
            return [f'not ({a[0]})', f'!({a[1]})']
        if pick < 0.7:
            name = self.random.choice(['age', 'crp', 'count'])
            value = self.cohort.quantile(name, self.random.uniform(0.2, 0.8))
            sign = self.random.choice(['<', '<=', '>', '>=', '!='])
            return [f'{name} {sign} {value:g}', f'{name} {sign} {value:g}']
        if pick < 0.8:
            return ['smoker', '(smoker == 1)']
        levels = self.cohort.categories['stage']
        chosen = self.random.sample(levels, self.random.randrange(1, len(levels)))
        texts = ', '.join(f'"{v}"' for v in chosen)
        test = f'ifelse(is.na(stage), NA, stage %in% c({texts}))'
        return [f'stage in [{texts}]', test] if self.random.random() < 0.7 else [f'stage not in [{texts}]', f'!({test})']

    def part(self):
        """One part of a term."""
        pick = self.random.random()
        if pick < 0.5:
            return self.number()
        if pick < 0.75:
            name = self.random.choice(['stage', 'arm', 'ward' if len(self.cohort.rows) > 150 else 'arm'])
            return [name, name]
        if pick < 0.85:
            return ['smoker', 'smoker']
        a = self.condition(1)
        if a[0] == 'smoker':
            return ['smoker', 'smoker']
        return [f'({a[0]})', f'I(1 * ({a[1]}))']

    def term(self):
        pick = self.random.random()
        if pick < 0.15:
            name = self.random.choice(['age', 'crp'])
            shares = self.random.choice([(0.1, 0.5, 0.9), (0.05, 0.35, 0.65, 0.95), (0.05, 0.275, 0.5, 0.725, 0.95)])
            knots = sorted({self.cohort.quantile(name, s) for s in shares})
            if len(knots) >= 3:
                text = ', '.join(f'{k:g}' for k in knots)
                return [f'rcs({name}, {text})', f'rcs_({name}, c({text}))']
        if pick < 0.3:
            a, b = self.part(), self.part()
            if a != b:
                joint = self.random.choice([':', '*'])
                return [f'{a[0]}{joint}{b[0]}', f'{a[1]}{joint}{b[1]}']
        return self.part()

    # ---- analyses ----

    def make(self):
        self.count += 1
        kind = self.random.choices(['cox', 'survival', 'incidence', 'concordance', 'describe'], [5, 3, 1, 1, 1])[0]
        spec = getattr(self, kind)()
        spec.update(kind=kind, id=f'a{self.count}')
        if self.random.random() < 0.15:
            spec['cohort'] = self.condition()
        # Without late entry all rows of a person overlap, and a study has to say what they are.
        if self.cohort.several and not self.cohort.has_start and kind != 'describe':
            spec['people'] = 'first-row' if self.count % 3 == 0 and not spec.get('ridge') else 'all-rows'
        return spec

    def some(self, share): return self.random.random() < share

    def level(self): return self.random.choice([0.95, 0.95, 0.9, 0.99])

    def landmark(self):
        if self.cohort.has_start or not self.some(0.1):
            return None
        return max(1, round(self.cohort.quantile('time', 0.2) / self.cohort.step)) * self.cohort.step

    def cox(self):
        spec = {'terms': [], 'ties': self.random.choice(['efron', 'efron', 'breslow']),
                'baseline': self.random.choice(['site', 'common'])}
        most = max(1, min(4, len(self.cohort.rows) // 40))
        for _ in range(self.random.randrange(1, most + 1)):
            term = self.term()
            parts = [set(t[0].replace('*', ':').split(':')) for t in spec['terms'] + [term]]
            if parts[-1] not in parts[:-1] and not any(p <= parts[-1] and '*' in term[0] or parts[-1] <= p for p in parts[:-1]):
                spec['terms'].append(term)
        spec['level'] = self.level()
        spec['landmark'] = self.landmark()
        if self.some(0.2):
            spec['strata'] = self.random.choice([['arm'], ['stage'], ['arm', 'stage']])
        if self.some(0.25):
            spec['weights'] = ['weight', 'weight']
        if self.some(0.2):
            spec['offset'] = self.random.choice([['shift', 'shift'], ['log(crp)', 'log(crp)']])
        if self.some(0.35):
            spec['cluster'] = self.random.choice(['pid', 'pid', 'ward'])
        pick = self.random.random()
        if pick < 0.25:
            spec['zph'] = self.random.choice(['km', 'identity', 'log'])
        elif pick < 0.4:
            spec['concordance'] = self.pairs()
        elif pick < 0.5 and spec['baseline'] == 'site' and self.cohort.site_count >= 3:
            spec['heterogeneity'] = True
        elif pick < 0.65 and spec['baseline'] == 'common':
            spec['baseline_hazard'] = True
            spec['curve_limits'] = self.random.choice(['log', 'log-log', 'plain'])
        elif pick < 0.75 and spec['baseline'] == 'site':
            for key in ('weights', 'cluster', 'zph'):
                spec.pop(key, None)
            spec['ties'] = 'exact'
        elif pick < 0.85:
            spec.pop('cluster', None)
            plain = [i for i, t in enumerate(spec['terms']) if not any(sign in t[0] for sign in ('*', ':', '(('))]
            if plain and not any('*' in t[0] and ':' not in t[0] for t in spec['terms']):
                spec['ridge'] = {'theta': self.random.choice([0.5, 1, 10]), 'scale': self.some(0.6),
                                 'terms': sorted(self.random.sample(plain, self.random.randrange(1, len(plain) + 1)))}
        elif pick < 0.92 and not self.cohort.has_start and self.cohort.causes > 1:
            for key in ('weights', 'cluster', 'strata', 'offset', 'landmark'):
                spec.pop(key, None)
            spec.update(fine_gray=1, baseline='common')
        if self.cohort.causes > 1 and 'fine_gray' not in spec and self.some(0.3):
            spec['cause'] = self.random.randrange(1, self.cohort.causes + 1)
        return spec

    def pairs(self):
        options = {}
        # With late entry R's concordance crashes or never ends under most weights and limits of time.
        if self.cohort.has_start:
            return options
        if self.some(0.6):
            options['weight'] = self.random.choice(['n', 'S', 'I', 'S/G', 'n/G2'])
        if self.some(0.2):
            options['ymax'] = self.grid(0.8)
        if self.some(0.2):
            options['ymin'] = self.grid(0.2)
        return options

    def grid(self, share):
        return round(max(1, round(self.cohort.quantile('time', share) / self.cohort.step)) * self.cohort.step, 6)

    def survival(self):
        spec = {'limits': self.random.choice(['log', 'log-log', 'plain']), 'level': self.level(), 'landmark': self.landmark(),
                'estimate': self.random.choice(['kaplan-meier'] * 3 + ['nelson-aalen', 'fleming-harrington'])}
        if self.some(0.7):
            spec['by'] = self.random.choice(['arm', 'stage', 'ward'])
        if self.some(0.4):
            spec['at'] = sorted({self.grid(0.3), self.grid(0.7)})
        if self.some(0.4):
            spec['quantiles'] = [0.25, 0.75]
        if self.some(0.3) and spec['estimate'] == 'kaplan-meier':
            spec['rmst'] = [self.grid(0.6)]
        if self.some(0.3):
            spec['follow_up'] = True
        if self.some(0.3):
            spec['robust'] = True
        if self.some(0.2):
            spec['weights'] = ['weight', 'weight']
            if self.cohort.wild_weights:
                spec['robust'] = True
        elif spec.get('by') and not self.cohort.has_start and self.some(0.8):
            spec['test'] = {'rho': self.random.choice([0, 0, 1, 0.5]), 'trend': self.some(0.4)}
            if self.some(0.3):
                spec['strata'] = self.random.choice([s for s in (['arm'], ['stage']) if s[0] != spec['by']])
            # Without a draw, so that a seed's other choices stay.
            spec['within_sites'] = self.count % 3 == 0
        if self.cohort.causes > 1 and self.some(0.2):
            spec['own_event'] = ['status == 2', 'status == "2"']
        if (spec.get('weights') or spec.get('robust')) and spec['estimate'] == 'fleming-harrington':
            spec['estimate'] = 'nelson-aalen'
        return spec

    def incidence(self):
        if self.cohort.causes < 2:
            return self.survival() | {'as': 'survival'}
        spec = {'limits': self.random.choice(['log', 'log-log', 'plain']), 'level': self.level()}
        if self.some(0.7):
            spec['by'] = self.random.choice(['arm', 'stage'])
        if self.some(0.25):
            spec['weights'] = ['weight', 'weight']
        elif spec.get('by') and not self.cohort.has_start and self.some(0.7):
            spec['test'] = {'rho': self.random.choice([0, 0, 1])}
            if self.some(0.3):
                spec['strata'] = [s for s in ('arm', 'stage') if s != spec['by']]
        return spec

    def concordance(self):
        spec = {'of': self.number(), 'options': self.pairs(), 'landmark': self.landmark()}
        if self.some(0.3):
            spec['strata'] = ['arm']
        if self.some(0.3):
            spec['weights'] = ['weight', 'weight']
        if self.some(0.3):
            spec['robust'] = True
        return spec

    def describe(self):
        names = ['age', 'crp', 'count', 'stage', 'one', 'smoker']
        spec = {'variables': self.random.sample(names, self.random.randrange(1, 5))}
        if self.some(0.7):
            spec['by'] = self.random.choice(['arm', 'stage'])
            spec['variables'] = [v for v in spec['variables'] if v != spec['by']] or ['age']
        return spec


# ---- as texts ----------------------------------------------------------------------------------------

class Writer:
    """Writes analyses of a cohort; `sites` tells whether rows lie at several hospitals."""

    def __init__(self, cohort, sites):
        self.cohort, self.sites = cohort, sites

    def study(self, specs):
        start = 'start: start, ' if self.cohort.has_start else ''
        causes = ', '.join(f'c{c}: \'status == {c}\'' for c in range(1, self.cohort.causes + 1))
        lines = ['study: random', 'dictionary: random@1', 'sites: [one, two]', f'endpoint: {{time: time, {start}causes: {{{causes}}}, unit: day}}',
                 'privacy: {smallest-cell: 2}', 'analyses:']
        return '\n'.join(lines + [f"  - {s.get('as', s['kind'])}: {flow(getattr(self, 'yaml_' + s.get('as', s['kind']))(s))}" for s in specs]) + '\n'

    def common(self, s, *keys):
        result = {'id': s['id']}
        for key in keys:
            if s.get(key) is not None:
                result[key] = s[key]
        if s.get('people'):
            result['people'] = s['people']
        if s.get('weights'):
            result['weights'] = s['weights'][0]
        if s.get('cohort'):
            result['cohort'] = s['cohort'][0]
        return result

    def yaml_cox(self, s):
        terms = [t[0] for t in s['terms']]
        if s.get('strata'):
            terms.append(f"strata({', '.join(s['strata'])})")
        if s.get('offset'):
            terms.append(f"offset({s['offset'][0]})")
        if s.get('cluster') == 'ward':
            terms.append('cluster(ward)')
        result = {**self.common(s, 'level', 'landmark', 'ties', 'baseline', 'heterogeneity'), 'terms': terms}
        if s['baseline'] == 'common' or s.get('zph') == 'km':
            result['times'] = 'exact'
        if s.get('cluster') == 'pid':
            result['robust'] = True
        if s.get('zph'):
            result.update(check='proportional-hazards', transform=s['zph'])
        if s.get('concordance') is not None:
            result['concordance'] = s['concordance'] or True
        if s.get('ridge'):
            result['penalty'] = {'ridge': s['ridge']['theta'], 'scale': s['ridge']['scale'],
                                 'terms': [s['terms'][i][0] for i in s['ridge']['terms']]}
        if s.get('fine_gray'):
            result.update(cause=f"c{s['fine_gray']}", hazard='subdistribution')
        if s.get('cause'):
            result['cause'] = f"c{s['cause']}"
        if s.get('baseline_hazard'):
            result['baseline-hazard'] = True
        return result

    def yaml_survival(self, s):
        result = {**self.common(s, 'level', 'landmark', 'limits', 'by', 'at', 'quantiles', 'rmst', 'robust', 'estimate', 'strata', 'test'),
                  'times': 'exact'}
        if s.get('within_sites') and s.get('test'):
            result['strata'] = ['site'] + (s.get('strata') or [])
        if s.get('follow_up'):
            result['follow-up'] = True
        if s.get('own_event'):
            result['event'] = s['own_event'][0]
        return result

    def yaml_incidence(self, s):
        return {**self.common(s, 'level', 'limits', 'by', 'test', 'strata'), 'times': 'exact'}

    def yaml_concordance(self, s):
        return {**self.common(s, 'landmark', 'strata', 'robust'), 'of': s['of'][0], **s['options']}

    def yaml_describe(self, s):
        bins = {v: 'exact' for v in s['variables'] if v in ('age', 'crp', 'count')}
        return {**self.common(s, 'variables', 'by'), **({'bins': bins} if bins else {})}

    # ---- R ----

    def script(self, path, specs):
        return '\n'.join(f"answer(\"{s['id']}\", {getattr(self, 'r_' + s.get('as', s['kind']))(path, s)})" for s in specs) + '\n'

    def call(self, function, path, s, event, **more):
        condition = s['cohort'][1] if s.get('cohort') else None
        args = [self.cohort.r(path, condition), f'quote(time)', event]
        if self.cohort.has_start:
            more['start'] = 'quote(start)'
        if s.get('weights'):
            more['weights'] = quote(s['weights'][1])
        if s.get('landmark'):
            more['landmark'] = r(s['landmark'])
        if s.get('people'):
            more['people'] = r(s['people'])
        return f"{function}({', '.join(args + [f'{k} = {v}' for k, v in more.items() if v != 'NULL'])})"

    def any_event(self): return quote('status != "0"')

    def pairs(self): return ['site'] if self.sites else []

    def r_cox(self, path, s):
        strata = list(s.get('strata') or [])
        if self.sites and s['baseline'] == 'site':
            strata.append('site')
        more = {'terms': '~ ' + ' + '.join(t[1] for t in s['terms']), 'strata': r(strata or None), 'ties': r(s['ties']),
                'level': r(s['level']), 'cluster': r(s.get('cluster')), 'zph': r(s.get('zph')),
                'concordance': r(s.get('concordance')) if s.get('concordance') is not None else 'NULL',
                'pairs': r(self.pairs() or None) if s.get('concordance') is not None else 'NULL',
                'ridge': 'NULL'}
        if s.get('offset'):
            more['offset'] = quote(s['offset'][1])
        if s.get('ridge'):
            # Terms of R's model frame, by their places among main effects.
            more['ridge'] = r({'theta': s['ridge']['theta'], 'scale': s['ridge']['scale'],
                               'terms': self.places(s)})
        if s.get('heterogeneity'):
            more['heterogeneity'] = 'TRUE'
        if s.get('baseline_hazard'):
            more.update(baseline_hazard='TRUE', curve_limits=r(s['curve_limits']))
        event = self.any_event()
        if s.get('cause'):
            event = quote(f"status == \"{s['cause']}\"")
        if s.get('fine_gray'):
            event = quote('status == "1"')
            more['fine_gray'] = f"list(code = quote(as.numeric(as.character(status))), causes = {self.cohort.causes}, cause = \"{s['fine_gray']}\")"
        return self.call('cox', path, s, event, **more)

    def places(self, s):
        """R's numbers of the penalised terms: main effects first, as listed, then interactions."""
        order = sorted(range(len(s['terms'])), key=lambda i: (':' in s['terms'][i][0], i))
        return [order.index(i) + 1 for i in s['ridge']['terms']]

    def r_survival(self, path, s):
        event = quote(s['own_event'][1]) if s.get('own_event') else self.any_event()
        more = {k: r(s.get(k)) for k in ('by', 'at', 'quantiles', 'rmst', 'limits', 'level', 'estimate', 'test')}
        within = self.pairs() if s.get('within_sites') and s.get('test') else []
        more['strata'] = r(within + (s.get('strata') or []) or None)
        return self.call('survival_curves', path, s, event, robust=r(bool(s.get('robust'))), follow_up=r(bool(s.get('follow_up'))), **more)

    def r_incidence(self, path, s):
        more = {k: r(s.get(k)) for k in ('by', 'limits', 'level', 'test', 'strata')}
        return self.call('incidence', path, s, quote('as.numeric(as.character(status))'), causes=r(self.cohort.causes), **more)

    def r_concordance(self, path, s):
        return self.call('marker_concordance', path, s, self.any_event(), of=quote(s['of'][1]), strata=r(s.get('strata')),
                         pairs=r(self.pairs() or None), robust=r(bool(s.get('robust'))), options=r(s['options']))

    def r_describe(self, path, s):
        variables = 'list(' + ', '.join(quote(v if v != 'smoker' else 'factor(ifelse(smoker == 1, "yes", "no"), c("no", "yes"))') for v in s['variables']) + ')'
        return self.call('describe', path, s, self.any_event(), variables=variables, by=r(s.get('by')))
