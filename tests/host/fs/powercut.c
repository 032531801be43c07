/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cuts the power of a recorded machine, again and again.
 *
 *	powercut BEFORE LOG START SECTORS CUTS SEED FOLDER [COMMAND]
 *
 * BEFORE is the disk as it was, LOG what QEMU's blklogwrites recorded of the work (powercut.c in
 * tests/system), START and SECTORS where the file system is; behind it are the notes of the workers.
 * For each of CUTS moments the disk is what was safe then and a random part of the rest
 * (journal_disk.h).  The kernel's own code replays the journal and ends orphans; then e2fsck has to
 * find nothing, and the files have to be what the notes promise; or, of other work, the command finds
 * nothing wrong with FOLDER/cut.img.
 */
#include "ext4_file.h"
#include "fs/ext4/change.h"
#include "journal_disk.h"
#include "lib/format.h"
#include "lib/string.h"
#include "powercut.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SECTOR = 512, LOG_FLUSH = 1, LOG_FUA = 2, LOG_DISCARD = 4, PATH_SIZE = 4096, SHOWN = 64 };

#define LOG_MAGIC 0x6a736677736872ull

struct log_super {
	u64 magic, version, entries;
	u32 sector_size;
};

struct log_entry {
	u64 sector, sectors, flags, data_length;
};

/* A note, and how many events of the disk lie before it. */
struct noted {
	size_t at;
	struct note note;
};

/* What is to be expected of a file. */
struct expected {
	u32 worker, slot;
	enum note_kind kind; /* 0: nothing has been heard of it */
	struct note safe, other;
};

static struct disk disk;
static u64 start, end; /* of the file system, in sectors */
static struct noted *notes;
static size_t note_count, note_room, notes_taken;
static struct expected expected[WORKERS][SLOTS];
static u32 mapped[PAGES * SIDES];
static size_t cut_at;
static u64 files_checked, promises_checked, orphans;

static void __noreturn fail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fprintf(stderr, "cut at event %zu of %zu: ", cut_at, disk.count);
	vfprintf(stderr, format, arguments);
	fprintf(stderr, "\n");
	va_end(arguments);
	exit(1);
}

/* --- The recording --- */

static void take_note(const u8 *sector)
{
	struct note note;

	memcpy(&note, sector, sizeof(note));
	if (note.magic != NOTE_MAGIC || note.worker >= WRITERS)
		return;
	if (note_count == note_room) {
		note_room = note_room ? 2 * note_room : 1024;
		notes = realloc(notes, note_room * sizeof(*notes));
	}
	notes[note_count++] = (struct noted){disk.count, note};
}

/* A write, in blocks. */
static void take_write(const struct log_entry *entry, const u8 *data)
{
	u64 in_block = disk.block_size / SECTOR, first = entry->sector - start;

	if (first % in_block != 0 || entry->sectors % in_block != 0)
		fail("a write of part of a block: sector %llu", (unsigned long long)first);
	for (u64 i = 0; i < entry->sectors; i += in_block) {
		u8 *copy = malloc(disk.block_size);

		memcpy(copy, data + i * SECTOR, disk.block_size);
		disk_record(&disk, (struct disk_event){.fua = entry->flags & LOG_FUA,
						       .block = (first + i) / in_block,
						       .data = copy});
	}
}

static void take_entry(const struct log_entry *entry, const u8 *data)
{
	if (entry->flags & LOG_FLUSH)
		disk_record(&disk, (struct disk_event){.flush = true});
	if (entry->sectors == 0 || entry->flags & LOG_DISCARD)
		return;
	if (entry->sector >= start && entry->sector < end)
		take_write(entry, data);
	else
		for (u64 i = 0; i < entry->sectors; i++)
			take_note(data + i * SECTOR);
}

static void read_log(const char *path)
{
	struct log_super super;
	FILE *file = fopen(path, "rb");
	u8 *sector;

	if (!file || fread(&super, sizeof(super), 1, file) != 1 || super.magic != LOG_MAGIC)
		fail("%s is no recording", path);
	sector = malloc(super.sector_size);
	fseek(file, super.sector_size, SEEK_SET);
	for (u64 i = 0; i < super.entries; i++) {
		struct log_entry entry;
		u8 *data;
		u64 size;

		if (fread(sector, super.sector_size, 1, file) != 1)
			fail("the recording is cut short");
		memcpy(&entry, sector, sizeof(entry));
		/* The log counts sectors of its own size. */
		entry.sector *= super.sector_size / SECTOR;
		entry.sectors *= super.sector_size / SECTOR;
		size = entry.flags & LOG_DISCARD ? 0 : entry.sectors * SECTOR;
		data = malloc(size + 1);
		if (size > 0 && fread(data, size, 1, file) != 1)
			fail("the recording is cut short");
		take_entry(&entry, data);
		free(data);
	}
	free(sector);
	fclose(file);
}

static void read_before(const char *path)
{
	FILE *file = fopen(path, "rb");
	size_t size = (size_t)(end - start) * SECTOR;
	u8 *bytes = malloc(size);

	if (!file || fseek(file, (long)(start * SECTOR), SEEK_SET) != 0 ||
	    fread(bytes, 1, size, file) != size)
		fail("%s cannot be read", path);
	fclose(file);
	disk_make(&disk, bytes, size);
	free(bytes);
}

/* --- What the notes promise --- */

static void hear(const struct note *note)
{
	struct expected *file;

	if (note->kind == NOTE_MAPPED) {
		mapped[note->slot % ARRAY_SIZE(mapped)] = note->generation;
		return;
	}
	if (note->worker >= WORKERS || note->slot >= SLOTS)
		return;
	file = &expected[note->worker][note->slot];
	if (note->kind == NOTE_REPLACING)
		file->other = *note;
	else
		file->safe = *note;
	file->kind = note->kind;
}

static void hear_until(size_t at)
{
	for (; notes_taken < note_count && notes[notes_taken].at <= at; notes_taken++)
		hear(&notes[notes_taken].note);
}

/* --- Files --- */

static bool find(const struct ext4_volume *volume, const char *path, struct ext4_node *node)
{
	const char *slash = strchr(path, '/');
	struct ext4_node folder;
	int error;
	u32 ino;

	if (ext4_node_read(volume, EXT4_ROOT_INO, &folder) != 0)
		fail("no root");
	if (slash) {
		error = ext4_directory_find(volume, &folder, path, (u32)(slash - path), &ino);
		if (error == -ENOENT)
			return false;
		if (error || ext4_node_read(volume, ino, &folder) != 0)
			fail("%s: error %d", path, -error);
		path = slash + 1;
	}
	error = ext4_directory_find(volume, &folder, path, (u32)strlen(path), &ino);
	if (error == -ENOENT)
		return false;
	if (error || ext4_node_read(volume, ino, node) != 0)
		fail("%s: error %d", path, -error);
	return true;
}

/* What is there instead of a record. */
static void show(const u8 *record)
{
	for (u32 i = 0; i < SHOWN; i += 4)
		fprintf(stderr, "%02x%02x%02x%02x%c", record[i], record[i + 1], record[i + 2],
			record[i + 3], i + 4 < SHOWN ? ' ' : '\n');
}

static bool is_zero(const u8 *record)
{
	for (u32 i = 0; i < RECORD_SIZE; i++)
		if (record[i] != 0)
			return false;
	return true;
}

/*
 * Checks a file's records; *generation is 0 if it has none.  How many.  One that is being shortened
 * may have zeros already in its last block, and its old length still.
 */
static u32 check_records(const struct ext4_volume *volume, const struct ext4_node *node,
			 const char *path, const struct expected *file, u32 *generation)
{
	u32 count = (u32)(node->size / RECORD_SIZE), worker = file->worker, slot = file->slot;
	u8 *bytes = malloc(node->size + 1), wanted[RECORD_SIZE];

	if (node->size % RECORD_SIZE != 0)
		fail("%s: %llu bytes are no whole records", path, (unsigned long long)node->size);
	if (ext4_data_read(volume, node, 0, bytes, node->size) != 0)
		fail("%s cannot be read", path);
	*generation = count > 0 ? record_generation(bytes) : 0;
	for (u32 i = 0; i < count; i++) {
		const u8 *record = bytes + i * RECORD_SIZE;

		record_make(wanted, worker, slot, *generation, i);
		if (memcmp(record, wanted, RECORD_SIZE) == 0 ||
		    (file->kind == NOTE_CHANGING && is_zero(record)))
			continue;
		show(record);
		fail("%s: record %u of %u (inode %u) is not what was written", path, i, count,
		     node->ino);
	}
	free(bytes);
	files_checked++;
	return count;
}

static bool is_as(const struct note *note, u32 generation, u32 count)
{
	return count >= note->records && (count == 0 || generation == note->generation);
}

static void check_file(const struct ext4_volume *volume, u32 worker, u32 slot)
{
	struct expected *file = &expected[worker][slot];
	u32 generation[2] = {0}, count[2] = {0}, name = file->safe.name & 1;
	char path[2][NAME_SIZE];
	bool there[2];

	file->worker = worker;
	file->slot = slot;
	for (u32 i = 0; i < 2; i++) {
		struct ext4_node node;

		slot_name(path[i], worker, slot, i);
		there[i] = find(volume, path[i], &node);
		if (there[i])
			count[i] = check_records(volume, &node, path[i], file, &generation[i]);
	}
	if (file->kind != NOTE_SAFE && file->kind != NOTE_REPLACING)
		return;
	promises_checked++;
	if (file->safe.generation == 0) {
		if (there[0] || there[1])
			fail("%s is there again", path[there[1]]);
		return;
	}
	if (!there[name])
		fail("%s is lost", path[name]);
	if (there[!name])
		fail("%s is there, too", path[!name]);
	if (is_as(&file->safe, generation[name], count[name]) ||
	    (file->kind == NOTE_REPLACING && is_as(&file->other, generation[name], count[name])))
		return;
	fail("%s has %u records of generation %u; safe were %u of %u", path[name], count[name],
	     generation[name], file->safe.records, file->safe.generation);
}

static void check_mapped(const struct ext4_volume *volume)
{
	struct ext4_node node;
	bool there = find(volume, "mapped", &node);

	for (u32 i = 0; i < ARRAY_SIZE(mapped); i++) {
		u64 word = 0, place = (u64)(i / SIDES) * MAPPED_PAGE + i % SIDES * sizeof(word);

		if (mapped[i] == 0)
			continue;
		promises_checked++;
		if (!there || ext4_data_read(volume, &node, place, &word, sizeof(word)) != 0)
			fail("the mapped file cannot be read");
		if (word < mapped[i])
			fail("word %u of the mapped file is %llu; safe was %u", i,
			     (unsigned long long)word, mapped[i]);
	}
}

/* --- Cuts --- */

static void run_fsck(const struct disk *after, const char *folder)
{
	char path[PATH_SIZE], command[PATH_SIZE + 100];
	FILE *file;
	int status;

	snprintf(path, sizeof(path), "%s/cut.img", folder);
	file = fopen(path, "wb");
	if (!file || fwrite(after->bytes, 1, after->size, file) != after->size || fclose(file) != 0)
		fail("%s cannot be written", path);
	snprintf(command, sizeof(command),
		 "PATH=$PATH:/sbin:/usr/sbin e2fsck -fn %s >%s/fsck.log 2>&1", path, folder);
	status = system(command);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		snprintf(command, sizeof(command), "head -n 20 %s/fsck.log >&2", folder);
		if (system(command) != 0)
			fprintf(stderr, "no output of e2fsck\n");
		fail("e2fsck finds errors");
	}
}

/* What a mount does, and an unmount. */
static void mount(struct disk *after)
{
	static const struct ext4_journal_options options;
	struct ext4_volume volume = disk_volume(after);
	int error = ext4_volume_open(&volume);
	u32 ended = 0;

	if (!error)
		error = ext4_journal_open(&volume, &disk_journal_ops, &options);
	if (!error)
		error = ext4_space_open(&volume);
	if (!error)
		error = ext4_orphans_end(&volume, &ended);
	if (error)
		fail("it cannot be mounted: error %d", -error);
	orphans += ended;
	ext4_orphans_close(&volume);
	ext4_journal_close(&volume);
	ext4_space_close(&volume);
	ext4_volume_close(&volume);
}

static void check_cut(const u8 *bytes, const char *folder, const char *command)
{
	struct disk after;
	struct ext4_volume volume;

	disk_make(&after, bytes, disk.size);
	mount(&after);
	run_fsck(&after, folder);
	volume = disk_volume(&after);
	if (ext4_volume_open(&volume) != 0)
		fail("it cannot be opened");
	for (u32 i = 0; i < WORKERS * SLOTS && !command; i++)
		check_file(&volume, i / SLOTS, i % SLOTS);
	if (!command)
		check_mapped(&volume);
	else if (system(command) != 0)
		fail("%s finds an error", command);
	ext4_volume_close(&volume);
	disk_free(&after);
}

int main(int count, char **arguments)
{
	u64 cuts, seed;
	struct disk_safe safe;
	u8 *bytes;

	if (count < 8)
		return 2;
	start = strtoull(arguments[3], NULL, 0);
	end = start + strtoull(arguments[4], NULL, 0);
	cuts = strtoull(arguments[5], NULL, 0);
	seed = strtoull(arguments[6], NULL, 0);
	read_before(arguments[1]);
	read_log(arguments[2]);
	safe = (struct disk_safe){malloc(disk.size), 0};
	bytes = malloc(disk.size);
	memcpy(safe.bytes, disk.first_bytes, disk.size);
	for (u64 i = 0; i < cuts; i++) {
		cut_at = disk.count * i / cuts + roll(&seed) % (disk.count / cuts + 1);
		disk_cut(&disk, cut_at, &safe, &seed, bytes);
		hear_until(cut_at);
		check_cut(bytes, arguments[7], count > 8 ? arguments[8] : NULL);
	}
	printf("%llu cuts, %zu events, %zu notes; %llu files read, %llu promises kept, %llu "
	       "orphans ended\n",
	       (unsigned long long)cuts, disk.count, note_count, (unsigned long long)files_checked,
	       (unsigned long long)promises_checked, (unsigned long long)orphans);
	return 0;
}
