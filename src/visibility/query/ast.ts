// What a query says, before names and values are checked. Every node knows its place, for error messages.

export interface Literal {
  readonly kind: 'string' | 'number' | 'bool' | 'relative';
  readonly text: string;
  readonly position: number;
}

export interface AttributeName {
  readonly name: string;
  readonly position: number;
}

export type Comparison = '=' | '!=' | '<' | '<=' | '>' | '>=';

export type Expression =
  | { readonly kind: 'and'; readonly operands: readonly Expression[] }
  | { readonly kind: 'or'; readonly operands: readonly Expression[] }
  | { readonly kind: 'not'; readonly operand: Expression }
  | {
      readonly kind: 'compare';
      readonly attribute: AttributeName;
      readonly operator: Comparison;
      readonly value: Literal;
    }
  | { readonly kind: 'in'; readonly attribute: AttributeName; readonly values: readonly Literal[] }
  | { readonly kind: 'between'; readonly attribute: AttributeName; readonly low: Literal; readonly high: Literal }
  | { readonly kind: 'like'; readonly attribute: AttributeName; readonly pattern: Literal }
  | { readonly kind: 'missing'; readonly attribute: AttributeName };

export interface Query {
  /** undefined: everything. */
  readonly where: Expression | undefined;
  readonly orderBy: { readonly attribute: AttributeName; readonly descending: boolean } | undefined;
}
