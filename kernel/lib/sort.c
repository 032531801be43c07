/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Heap sort (Williams; bottom of the heap built as Floyd does).
 *
 * The array is a binary heap, the children of i being 2i + 1 and 2i + 2, with the greatest element
 * on top.  Taking the top away n times, each time to the place that the shrinking heap leaves free,
 * sorts the array.
 */
#include "lib/sort.h"

struct job {
	u8 *elements;
	size_t size;
	sort_compare compare;
	void *context;
};

static u8 *element(const struct job *job, size_t index)
{
	return job->elements + index * job->size;
}

static bool is_less(const struct job *job, size_t left, size_t right)
{
	return job->compare(element(job, left), element(job, right), job->context) < 0;
}

static void swap_elements(const struct job *job, size_t left, size_t right)
{
	u8 *a = element(job, left);
	u8 *b = element(job, right);

	for (size_t i = 0; i < job->size; i++) {
		u8 byte = a[i];

		a[i] = b[i];
		b[i] = byte;
	}
}

/* Lets the element at @index sink to its place in the heap of the first @count elements. */
static void sift_down(const struct job *job, size_t index, size_t count)
{
	for (;;) {
		size_t child = 2 * index + 1;

		if (child >= count)
			return;
		if (child + 1 < count && is_less(job, child, child + 1))
			child++;
		if (!is_less(job, index, child))
			return;
		swap_elements(job, index, child);
		index = child;
	}
}

void sort(void *elements, size_t count, size_t size, sort_compare compare, void *context)
{
	const struct job job = {elements, size, compare, context};

	for (size_t i = count / 2; i-- > 0;)
		sift_down(&job, i, count);
	for (size_t end = count; end-- > 1;) {
		swap_elements(&job, 0, end);
		sift_down(&job, 0, end);
	}
}
