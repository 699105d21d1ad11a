import './start.ts';
import './start-validation.ts';
import './id-reuse.ts';
import './decision-validation.ts';
