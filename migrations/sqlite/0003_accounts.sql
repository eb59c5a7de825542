-- Which account of a carrier has what. Only adds: the version before still runs on it.

-- Over which a call goes, such as AC…; NULL: it was written before this was, and is its tenant's of today.
ALTER TABLE calls ADD COLUMN account_id TEXT;

-- Where the number was pointed here; NULL: nowhere. `carrier_before` is what it was there.
ALTER TABLE phone_numbers ADD COLUMN carrier_account TEXT;
