"""Random cohorts: rows, the dictionary that goes with them, and the same for R."""
import csv
import math

LETTERS = 'ABCDEF'


class Cohort:
    """Rows of people at some hospitals; every cell is the text that stands in the file."""

    def __init__(self, random):
        self.has_start = random.random() < 0.3
        self.categories = {'stage': ['I', 'II', 'III'][:random.choice([2, 3, 3])] + (['IV'] if random.random() < 0.3 else []),
                           'arm': ['a', 'b'], 'ward': [f'w{i}' for i in range(random.choice([3, 6, 12]))]}
        self.causes = random.choice([1, 2, 2, 3])
        self.step = random.choice([1, 1, 0.5, 0.1, 0.01])
        self.resolution_text = f'{self.step:g}'
        self.rows = []
        size = int(math.exp(random.uniform(math.log(25), math.log(260))))
        sites = random.choice([1, 1, 2, 3, 4, 6])
        self.site_count = sites
        self.traits(random)
        for person in range(size):
            site = LETTERS[random.randrange(sites)]
            self.add(random, f'p{person:03}', site)

    def traits(self, random):
        """What is the same for all rows of a cohort."""
        self.mean_time = random.choice([5, 20, 200]) * max(self.step, 0.1)
        self.is_tied = random.random() < 0.3
        self.missing = random.choice([0, 0, 0.05, 0.2])
        self.rare = random.choice([0.03, 0.15, 0.3])
        self.effect = random.choice([0, 0.3, 0.7])
        self.several = random.choice([0, 0, 0.4])
        self.age_sd = random.choice([0.5, 10])
        self.wild_weights = random.random() < 0.2

    def time(self, random, scale):
        value = random.expovariate(1 / scale) if not self.is_tied else random.choice([1, 2, 3, 5, 8]) * scale / 5
        return max(1, round(value / self.step))

    def number(self, steps):
        return f'{steps * self.step:.6f}'.rstrip('0').rstrip('.')

    def add(self, random, person, site):
        covariates = {
            'age': f'{random.gauss(60, self.age_sd):.1f}', 'crp': f'{max(0.1, math.exp(random.gauss(1.5, 1.4))):.1f}',
            'count': str(min(40, int(random.expovariate(0.4)))), 'smoker': str(int(random.random() < 0.4)),
            'stage': random.choices(self.categories['stage'], [1] + [1, self.rare * 2, self.rare][:len(self.categories['stage']) - 1])[0],
            'arm': random.choice('ab'), 'ward': random.choice(self.categories['ward']),
            'shift': f'{random.gauss(0, 0.5):.2f}', 'one': '1.1',
            'weight': str(random.choice([1, 2, 3])) if not self.wild_weights else f'{math.exp(random.gauss(0, 1)):.3f}'}
        age = min(max(float(covariates['age']), 20), 100)
        covariates['age'] = f'{age:.1f}'
        covariates['crp'] = f"{min(float(covariates['crp']), 500):.1f}"
        hazard = math.exp(self.effect * ((age - 60) / 10 + (covariates['stage'] != 'I') + 0.3 * math.log(float(covariates['crp']))))
        start = 0
        for visit in range(1 + (random.random() < self.several) + (random.random() < self.several / 2)):
            row = {'pid': person, 'site': site, **covariates}
            if visit:
                row['count'] = str(min(40, int(random.expovariate(0.4))))
                row['crp'] = f'{min(500, max(0.1, math.exp(random.gauss(1.5, 1.4)))):.1f}'
            stay = self.time(random, self.mean_time / min(max(hazard, 0.1), 10))
            cause = random.choices(range(self.causes + 1), [1] + [1.2] + [0.5] * (self.causes - 1))[0]
            if self.has_start:
                begin = start + (random.randrange(0, 3) if random.random() < 0.4 else 0)
                row['start'], row['time'] = self.number(begin), self.number(begin + stay)
                start = begin + stay
            else:
                row['start'], row['time'] = '0', self.number(stay)
            row['status'] = str(cause)
            for name in ('age', 'crp', 'count', 'smoker', 'stage', 'arm', 'shift', 'status', 'time'):
                if random.random() < self.missing * (0.1 if name in ('status', 'time') else 0.5):
                    row[name] = ''
            self.rows.append(row)
            if self.has_start and cause:
                break

    NAMES = ('pid', 'site', 'start', 'time', 'status', 'age', 'crp', 'count', 'smoker', 'stage', 'arm', 'ward', 'shift',
             'weight', 'one')

    def write(self, path, rows=None):
        with open(path, 'w', newline='', encoding='utf-8') as file:
            writer = csv.DictWriter(file, self.NAMES, lineterminator='\n')
            writer.writeheader()
            writer.writerows(self.rows if rows is None else rows)

    @property
    def levels(self):
        return {**self.categories, 'status': [str(c) for c in range(self.causes + 1)]}

    @property
    def dictionary(self):
        times = max((float(r['time']) for r in self.rows if r['time']), default=1) + 1
        def category(levels): return f"{{type: category, levels: [{', '.join(chr(34) + v + chr(34) for v in levels)}], reference: \"{levels[0]}\"}}"
        lines = ['dictionary: random', 'version: 1', 'person: pid', 'variables:', '  pid: {type: identifier}']
        for name in ('start', 'time'):
            lines.append(f'  {name}: {{type: number, range: [0, {math.ceil(times)}], resolution: {self.resolution_text}}}')
        lines += ['  age: {type: number, range: [20, 100], resolution: 0.1}', '  crp: {type: number, range: [0.1, 500], resolution: 0.1}',
                  '  count: {type: integer, range: [0, 40]}', '  smoker: {type: boolean}', '  shift: {type: number, range: [-4, 4]}',
                  '  weight: {type: number, range: [0.001, 100]}', '  one: {type: number, range: [0, 3]}']
        lines += [f'  {name}: {category(levels)}' for name, levels in self.levels.items()]
        return '\n'.join(lines) + '\n'

    def r(self, path, condition):
        levels = ', '.join(f"{n} = c({', '.join(chr(34) + v + chr(34) for v in l)})" for n, l in self.levels.items())
        filter = f', quote({condition})' if condition else ''
        return f'cohort("{path}", list({levels}){filter})'

    def quantile(self, name, share):
        values = sorted(float(r[name]) for r in self.rows if r[name])
        return values[min(len(values) - 1, int(share * len(values)))] if values else 0
