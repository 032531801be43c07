/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of the volume: records (volume.c) and what Rock Ridge says of them. */
#ifndef FS_ISO9660_INTERNAL_H
#define FS_ISO9660_INTERNAL_H

#include "fs/iso9660/format.h"
#include "fs/iso9660/volume.h"

enum { RECORD_MOST = 255 };

/* A record and where it is. */
struct iso_place {
	u64 position;
	union {
		struct iso_record record;
		u8 bytes[RECORD_MOST + 1];
	};
};

/* What the entries of a record say; zeros where there is none. */
struct iso_rock_ridge {
	bool has_name, has_attributes, has_device;
	bool relocated; /* stands elsewhere, too: not to be shown here */
	u32 child;      /* block of the directory that stands here; 0: none */
	u32 name_length;
	char name[ISO_NAME_MAX + 1];
	u32 mode, uid, gid, links;
	u32 major, minor;
	s64 times[3];      /* of change, of attributes, of access; 0: not said */
	bool link_goes_on; /* the component that was last is not at its end */
	u32 link_length;
	char link[ISO_LINK_MAX + 1];
};

enum { ISO_TIME_MODIFY, ISO_TIME_ACCESS, ISO_TIME_ATTRIBUTES };

/* Reads the entries of a record of a volume with Rock Ridge.  0; -EUCLEAN, or read's error. */
int iso_rock_ridge_read(const struct iso_volume *volume, const struct iso_place *place,
			struct iso_rock_ridge *result);
/* Does the first record of the root say that there is Rock Ridge?  *skip: see iso_volume. */
bool iso_rock_ridge_begins(const struct iso_place *place, u32 *skip);
/* Seconds since 1970 of the seven bytes of a time; 0 when they are none. */
s64 iso_time(const u8 bytes[7]);

#endif
