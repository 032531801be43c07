/* SPDX-License-Identifier: BSD-2-Clause */
/* Slab caches: constructors, alignment, magazines, shrinking, and what the checking build catches.
 */
#include "mm/slab.h"

#include "lib/string.h"
#include "mm/checking.h"
#include "mm/slab_internal.h"
#include "tests/host/mm/death.h"
#include "tests/host/mm/support.h"

enum { MEMORY = 64, OBJECTS = 300 };

static int constructed, destructed;

static void construct(void *object)
{
	*(u64 *)object = 0xc0ffee;
	constructed++;
}

static void destruct(void *object)
{
	assert_int_equal(*(u64 *)object, 0xc0ffee);
	destructed++;
}

/* Frames in use once every cache has given back what it can. */
static size_t settled(void)
{
	for (u32 cpu = 0; cpu < MACHINE_CPUS; cpu++) {
		machine_use_cpu(cpu);
		slab_shrink_caches();
	}
	machine_use_cpu(0);
	return machine_frames_used();
}

static void objects_are_aligned_apart_and_whole(void **state __unused)
{
	static u8 *objects[OBJECTS];
	size_t sizes[] = {1, 7, 8, 24, 100, 200, 256, 1000, 2048, 5000, SLAB_MAX_SIZE};

	for (size_t s = 0; s < ARRAY_SIZE(sizes); s++) {
		for (size_t align = 8; align <= PAGE_SIZE; align *= 2) {
			size_t size = sizes[s], count = size > 2000 ? 20 : OBJECTS;
			slab_cache_t *cache = slab_cache_create("test", size, align, NULL, NULL);
			assert_non_null(cache);
			for (size_t i = 0; i < count; i++) {
				objects[i] = slab_alloc(cache);
				assert_non_null(objects[i]);
				assert_int_equal((vaddr_t)objects[i] % align, 0);
				memset(objects[i], (int)i, size);
			}
			for (size_t i = 0; i < count; i++) {
				assert_int_equal(objects[i][0], (u8)i);
				assert_int_equal(objects[i][size - 1], (u8)i);
				slab_free(cache, objects[i]);
			}
			slab_cache_destroy(cache);
		}
	}
}

static void wrong_arguments_are_refused(void **state __unused)
{
	assert_null(slab_cache_create("test", 0, 8, NULL, NULL));
	assert_null(slab_cache_create("test", SLAB_MAX_SIZE + 1, 8, NULL, NULL));
	assert_null(slab_cache_create("test", 8, 24, NULL, NULL));
	assert_null(slab_cache_create("test", 8, PAGE_SIZE * 2, NULL, NULL));
	slab_cache_t *cache = slab_cache_create("test", 8, 0, NULL, NULL);
	slab_free(cache, NULL);
	slab_cache_destroy(cache);
}

/* Each object is constructed before it is allocated, and destructed once for each time. */
static void objects_stay_constructed_while_free(void **state __unused)
{
	size_t used = settled();
	slab_cache_t *cache = slab_cache_create("test", 200, 64, construct, destruct);
	void *objects[100];

	constructed = destructed = 0;
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 100; i++) {
			objects[i] = slab_alloc(cache);
			assert_int_equal(*(u64 *)objects[i], 0xc0ffee);
		}
		assert_true(constructed - destructed >= 100);
		for (int i = 0; i < 100; i++)
			slab_free(cache, objects[i]);
	}
	slab_shrink_caches();
	assert_int_equal(destructed, constructed);
	slab_free(cache, slab_alloc(cache));
	slab_cache_destroy(cache);
	assert_int_equal(destructed, constructed);
	assert_int_equal(settled(), used);
}

/* Objects allocated on one CPU and freed on another come back to the frame allocator. */
static void objects_move_between_cpus(void **state __unused)
{
	static void *objects[OBJECTS];
	size_t used = settled();
	slab_cache_t *cache = slab_cache_create("test", 64, 0, NULL, NULL);

	for (int round = 0; round < 10; round++) {
		machine_use_cpu((u32)round % MACHINE_CPUS);
		for (int i = 0; i < OBJECTS; i++)
			objects[i] = slab_alloc(cache);
		machine_use_cpu((u32)(round + 1) % MACHINE_CPUS);
		for (int i = 0; i < OBJECTS; i++)
			slab_free(cache, objects[i]);
	}
	machine_use_cpu(0);
	slab_cache_destroy(cache);
	assert_int_equal(settled(), used);
}

static void shrinking_gives_free_slabs_back(void **state __unused)
{
	static void *objects[OBJECTS];
	slab_cache_t *cache = slab_cache_create("test", 1024, 0, NULL, NULL);

	settled();
	size_t used = machine_frames_used();
	for (int i = 0; i < OBJECTS; i++)
		objects[i] = slab_alloc(cache);
	size_t most = machine_frames_used();
	for (int i = 1; i < OBJECTS; i++)
		slab_free(cache, objects[i]);
	slab_shrink_caches();
	assert_true(machine_frames_used() < most && machine_frames_used() > used);
	assert_int_equal(slab_shrink_caches(), 0);
	slab_free(cache, objects[0]);
	assert_true(slab_shrink_caches() > 0);
	slab_cache_destroy(cache);
}

/* A frame allocation that finds none gets those of empty slabs, and those of caches whose lock the
 * caller holds are left alone. */
static void frames_come_from_the_caches_when_there_are_no_others(void **state __unused)
{
	static phys_t frames[MEMORY * MIB / PAGE_SIZE];
	slab_cache_t *cache = slab_cache_create("test", 64, 0, NULL, NULL);
	slab_cache_t *destructing = slab_cache_create("test", 64, 0, construct, destruct);
	void *object = slab_alloc(cache), *built = slab_alloc(destructing);
	size_t count = 0;

	settled();
	for (phys_t frame; (frame = frame_alloc()) != 0;)
		frames[count++] = frame;
	slab_free(cache, object);
	slab_free(destructing, built);
	spin_lock(&cache->lock);
	assert_int_equal(frame_alloc(), 0);
	spin_unlock(&cache->lock);
	frames[count] = frame_alloc();
	assert_true(frames[count++] != 0);
	/* A destructor is not run in a context that it does not expect. */
	assert_int_equal(frame_alloc(), 0);
	frame_free_batch(frames, count);
	slab_cache_destroy(cache);
	slab_cache_destroy(destructing);
}

static void a_cache_without_memory_gives_nothing(void **state __unused)
{
	size_t used = settled();

	mm_checking.countdown = 1;
	assert_null(slab_cache_create("test", 64, 0, NULL, NULL));
	assert_int_equal(settled(), used);
	slab_cache_t *cache = slab_cache_create("test", 64, 0, NULL, NULL);
	for (u64 nth = 1; nth <= 6; nth++) {
		mm_checking.countdown = nth;
		void *object = slab_alloc(cache);
		mm_checking.countdown = 0;
		slab_free(cache, object);
		slab_shrink_caches();
	}
	mm_checking.countdown = 1;
	assert_null(slab_alloc_zeroed(cache));
	u8 *object = slab_alloc_zeroed(cache);
	for (int i = 0; i < 64; i++)
		assert_int_equal(object[i], 0);
	slab_free(cache, object);
	slab_cache_destroy(cache);
	assert_int_equal(settled(), used);
}

static void a_cache_can_be_looked_at(void **state __unused)
{
	slab_cache_t *cache = slab_cache_create("looked at", 100, 0, NULL, NULL);
	void *object = slab_alloc(cache);
	struct slab_info info;
	size_t index = 0;

	while (slab_cache_info(index, &info) && strcmp(info.name, "looked at") != 0)
		index++;
	assert_string_equal(info.name, "looked at");
	assert_true(info.object_size >= 100 && info.objects >= info.objects_in_use);
	assert_true(info.objects_in_use >= 1 && info.slabs == 1 && info.frames >= 1);
	assert_false(slab_cache_info(10000, &info));
	slab_free(cache, object);
	slab_cache_destroy(cache);
}

static void misuse_is_caught(void **state __unused)
{
	slab_cache_t *cache = slab_cache_create("test", 100, 0, NULL, NULL);
	slab_cache_t *other = slab_cache_create("other", 100, 0, NULL, NULL);
	u8 *object = slab_alloc(cache), *neighbour = slab_alloc(cache);
	phys_t frame = frame_alloc();

	assert_dies(slab_free(other, object));
	assert_dies(slab_free(cache, phys_to_virt(frame)));
	assert_dies(slab_free(cache, object + 8));
	assert_dies(slab_cache_destroy(cache));
	assert_dies({
		slab_free(cache, object);
		slab_free(cache, object);
	});
	assert_dies({
		slab_free(cache, object);
		slab_free(cache, neighbour);
		slab_free(cache, object);
	});
	/* Past the end: by one byte, by many. */
	assert_dies({
		object[100] = 0;
		slab_free(cache, object);
	});
	assert_dies({
		memset(object, 0, slab_capacity(cache) + 8);
		slab_free(cache, object);
	});
	frame_free(frame);
	slab_free(cache, object);
	slab_free(cache, neighbour);
	slab_cache_destroy(cache);
	slab_cache_destroy(other);
}

/* Until it is allocated again, wherever the object is meanwhile. */
static void writes_to_free_objects_are_caught(void **state __unused)
{
	slab_cache_t *cache = slab_cache_create("test", 100, 0, NULL, NULL);
	slab_cache_t *constructing = slab_cache_create("test", 100, 0, construct, NULL);
	u8 *object = slab_alloc(cache), *built = slab_alloc(constructing);

	slab_free(cache, object);
	slab_free(constructing, built);
	for (int i = 0; i < 100; i += 33) {
		assert_dies({
			object[i]++;
			slab_shrink_caches();
		});
		assert_dies({
			built[i]++;
			for (int k = 0; k < 1000; k++)
				slab_free(constructing, slab_alloc(constructing));
		});
		assert_dies({
			object[i]++;
			for (int k = 0; k < 1000; k++)
				slab_free(cache, slab_alloc(cache));
		});
	}
	slab_cache_destroy(cache);
	slab_cache_destroy(constructing);
}

static void a_freed_object_is_not_handed_out_at_once(void **state __unused)
{
	slab_cache_t *cache = slab_cache_create("test", 100, 0, NULL, NULL);
	void *object = slab_alloc(cache), *others[QUARANTINE_LIMIT];

	slab_free(cache, object);
	for (int i = 0; i < QUARANTINE_LIMIT; i++) {
		others[i] = slab_alloc(cache);
		assert_ptr_not_equal(others[i], object);
	}
	for (int i = 0; i < QUARANTINE_LIMIT; i++)
		slab_free(cache, others[i]);
	slab_cache_destroy(cache);
}

/* What an attacker would write to: the header with the cache, and its links. */
static void an_overwritten_header_is_caught(void **state __unused)
{
	slab_cache_t *cache = slab_cache_create("test", 100, 0, NULL, NULL);
	slab_cache_t *other = slab_cache_create("other", 100, 0, NULL, NULL);
	void *object = slab_alloc(cache);
	struct slab *slab = slab_of(object);

	assert_dies({
		slab->cache = other;
		slab_free(slab_cache_of(object), object);
	});
	assert_dies({
		slab->guard ^= 1;
		slab_free(cache, object);
		slab_shrink_caches();
	});
	assert_dies({
		slab->link.next = &slab->link;
		slab_free(cache, object);
		slab_shrink_caches();
	});
	slab_free(cache, object);
	slab_cache_destroy(cache);
	slab_cache_destroy(other);
}

static int start(void **state __unused)
{
	machine_start(MEMORY * MIB);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_are_aligned_apart_and_whole),
		cmocka_unit_test(wrong_arguments_are_refused),
		cmocka_unit_test(objects_stay_constructed_while_free),
		cmocka_unit_test(objects_move_between_cpus),
		cmocka_unit_test(shrinking_gives_free_slabs_back),
		cmocka_unit_test(frames_come_from_the_caches_when_there_are_no_others),
		cmocka_unit_test(a_cache_without_memory_gives_nothing),
		cmocka_unit_test(a_cache_can_be_looked_at),
		cmocka_unit_test(misuse_is_caught),
		cmocka_unit_test(writes_to_free_objects_are_caught),
		cmocka_unit_test(a_freed_object_is_not_handed_out_at_once),
		cmocka_unit_test(an_overwritten_header_is_caught),
	};

	return cmocka_run_group_tests_name("mm slab", tests, start, NULL);
}
