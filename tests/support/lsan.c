/* lsan.c: Criterion's runner leaks a few bytes when tests run in parallel and
 * one of them ends by a signal, as those that prove a CHECK do. */
/* SPDX-License-Identifier: Apache-2.0 */

/* looked up by LeakSanitizer; unused elsewhere */
__attribute__((visibility("default"))) const char *
__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
	return "leak:libcriterion.so\n";
}
