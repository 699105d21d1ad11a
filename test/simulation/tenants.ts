// The tenants of every simulated world. They use the same workflow ids, so that what leaks from one to the other is seen.
export const TENANTS = ['alpha', 'beta'] as const;
/** This one archives, and keeps closed runs for a short time. */
export const ARCHIVING_TENANT = 'alpha';
export const ARCHIVE_URI = 'memory:///archive';
