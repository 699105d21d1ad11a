// A checked query: attributes are resolved and values have the attribute's type. Logic is two-valued: a comparison
// with a missing value is false, so its negation (and !=) is true. A list matches when any element does.
import type { SearchAttribute } from './search-attributes.ts';

/** Times are unix milliseconds, perhaps with a fraction when a query gave nanoseconds. */
export type AttributeValue = string | number | boolean;

export type Condition =
  | { readonly kind: 'and'; readonly operands: readonly Condition[] }
  | { readonly kind: 'or'; readonly operands: readonly Condition[] }
  | { readonly kind: 'not'; readonly operand: Condition }
  | {
      readonly kind: 'compare';
      readonly attribute: SearchAttribute;
      readonly operator: '=' | '<' | '<=' | '>' | '>=';
      readonly value: AttributeValue;
    }
  | { readonly kind: 'in'; readonly attribute: SearchAttribute; readonly values: readonly AttributeValue[] }
  | {
      readonly kind: 'between';
      readonly attribute: SearchAttribute;
      readonly low: AttributeValue;
      readonly high: AttributeValue;
    }
  | { readonly kind: 'like'; readonly attribute: SearchAttribute; readonly pattern: string }
  | { readonly kind: 'missing'; readonly attribute: SearchAttribute };

/** What to find, and in which order: missing values last, newest row first among equals. */
export interface Selection {
  readonly where: Condition | undefined;
  readonly orderBy: { readonly attribute: SearchAttribute; readonly descending: boolean };
}
